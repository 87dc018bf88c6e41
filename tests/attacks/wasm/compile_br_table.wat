;; attack: jump tables with ten thousand places
;; limit: none: they are compiled in time
;; when: late
;; ends: value 0
(func $jump (param i32)
;; repeat 1000
  block
;; end
  local.get 0
  br_table
;; repeat 100
    0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160 170 180 190 200 210 220 230 240 250 260 270 280 290 300 310 320 330 340 350 360 370 380 390 400 410 420 430 440 450 460 470 480 490 500 510 520 530 540 550 560 570 580 590 600 610 620 630 640 650 660 670 680 690 700 710 720 730 740 750 760 770 780 790 800 810 820 830 840 850 860 870 880 890 900 910 920 930 940 950 960 970 980 990
;; end
    0
;; repeat 1000
  end
;; end
  )
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
