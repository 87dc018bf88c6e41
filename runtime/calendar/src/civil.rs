//! The proleptic Gregorian calendar on plain integers, without time zones.
//!
//! Years may be any that programs reach by adding; fields out of range are
//! carried over, as the original does. Algorithms: Howard Hinnant, "chrono-
//! compatible low-level date algorithms".

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Years are kept within this distance of year 0, so that no sum overflows.
const MAX_YEAR: i64 = 1 << 33;

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A moment of a calendar and its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    /// 1 to 366.
    pub year_day: i64,
    /// 0 is Sunday.
    pub weekday: i64,
}

impl Civil {
    /// The calendar's view of `seconds` since 1970-01-01T00:00:00.
    pub fn from_seconds(seconds: i64) -> Civil {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            year_day: days - days_before(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
        }
    }
    /// ISO 8601 week number.
    pub fn iso_week(&self) -> i64 {
        // The week belongs to the year of its Thursday.
        let thursday = self.year_day + 3 - (self.weekday + 6) % 7;
        let weeks = |day: i64| (day - 1) / 7 + 1;
        if thursday < 1 {
            weeks(thursday + year_length(self.year - 1))
        } else if thursday > year_length(self.year) {
            1
        } else {
            weeks(thursday)
        }
    }
}

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn year_length(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

pub fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the given date; `month` is 1 to 12, `day` anything.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * mp + 2) / 5;
    era * 146_097 + doe - 719_468 + day - 1
}

/// Seconds since 1970-01-01T00:00:00 and nanoseconds of a date and time whose fields may be out of range.
pub fn seconds(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64, nano: i64) -> (i64, u32) {
    let months = i128::from(month) - 1;
    let year = (i128::from(year) + months.div_euclid(12)).clamp(-i128::from(MAX_YEAR), i128::from(MAX_YEAR)) as i64;
    let days = i128::from(days_before(year, months.rem_euclid(12) as i64 + 1, 1)) + i128::from(day) - 1;
    let seconds = days * i128::from(DAY)
        + i128::from(hour) * 3600
        + i128::from(minute) * 60
        + i128::from(second)
        + i128::from(nano).div_euclid(1_000_000_000);
    // Half the range leaves room for offsets and durations.
    (seconds.clamp(i128::from(i64::MIN / 2), i128::from(i64::MAX / 2)) as i64, nano.rem_euclid(1_000_000_000) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_calendar_agree() {
        for s in [-62_135_596_800, -1, 0, 1, 86_399, 86_400, 951_782_400, 1_706_933_106, 4_102_444_800, -9_999_999_999]
        {
            let c = Civil::from_seconds(s);
            assert_eq!(seconds(c.year, c.month, c.day, c.hour, c.minute, c.second, 0), (s, 0), "{c:?}");
            assert_eq!(c.year_day, (1..c.month).map(|m| days_in(c.year, m)).sum::<i64>() + c.day);
        }
    }

    #[test]
    fn iso_weeks_follow_the_standard() {
        for (y, m, d, week) in [
            (2005, 1, 1, 53),
            (2007, 1, 1, 1),
            (2008, 12, 29, 1),
            (2010, 1, 3, 53),
            (2024, 12, 31, 1),
            (2024, 6, 15, 24),
        ] {
            assert_eq!(Civil::from_seconds(seconds(y, m, d, 0, 0, 0, 0).0).iso_week(), week, "{y}-{m}-{d}");
        }
    }
}
