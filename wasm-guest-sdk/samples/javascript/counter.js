// A counter: `add` with an integer is answered with `count`. Ends with the count when it is asked to finish.
import { receive } from "wippy:process/mailbox@0.1.0";
import { send } from "wippy:process/processes@0.1.0";

export function run(args) {
  let count = number(args);
  for (;;) {
    const got = receive({ inbox: true, events: true }, [], [], undefined);
    if (got.tag === "message") {
      const { topic, sender, payloads } = got.val;
      if (topic !== "add" || !sender) continue;
      count += number(payloads);
      send({ tag: "pid", val: sender }, "count", [{ tag: "integer", val: count }]);
    } else if (got.tag === "event" && got.val.tag === "cancel") {
      return { tag: "integer", val: count };
    }
  }
}

// The integer that comes first, or 0.
function number([first]) {
  return first?.tag === "integer" ? first.val : 0n;
}
