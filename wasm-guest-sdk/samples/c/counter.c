/* A counter: `add` with an integer is answered with `count`. Ends with the count when it is asked to finish. */
#include "wippy.h"

WIPPY_WORLD("process.component-type");

/* Memory for what the runtime hands over. All of it is free again before the next message, so a pointer is enough. */
extern uint8_t __heap_base[];
static uintptr_t next;

__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_len, size_t align, size_t len) {
    if (!next) next = (uintptr_t)__heap_base;
    uintptr_t at = (next + align - 1) & ~(uintptr_t)(align - 1);
    size_t have = __builtin_wasm_memory_size(0) << 16;
    if (at + len > have && __builtin_wasm_memory_grow(0, (at + len - have + 0xffff) >> 16) == (size_t)-1) __builtin_trap();
    for (size_t i = 0; i < old_len && i < len; i++) ((char *)at)[i] = ((char *)old)[i];
    next = at + len;
    return (void *)at;
}

static bool is(wippy_text text, const char *word) {
    size_t i = 0;
    while (i < text.len && word[i] && text.at[i] == word[i]) i++;
    return i == text.len && !word[i];
}

__attribute__((export_name("run")))
const wippy_outcome *run(const wippy_payload *args, size_t count) {
    static wippy_outcome outcome;
    int64_t sum = count > 0 && args[0].tag == WIPPY_INTEGER ? args[0].integer : 0;
    for (;;) {
        wippy_incoming got;
        next = (uintptr_t)__heap_base;
        wippy_receive(WIPPY_INBOX | WIPPY_EVENTS, 0, 0, 0, 0, false, 0, &got);
        if (got.tag == WIPPY_GOT_MESSAGE && is(got.message.topic, "add") && got.message.sender.set) {
            const wippy_payloads *payloads = &got.message.payloads;
            if (payloads->len > 0 && payloads->at[0].tag == WIPPY_INTEGER) sum += payloads->at[0].integer;
            wippy_payload reply = {.tag = WIPPY_INTEGER, .integer = sum};
            wippy_pid to = got.message.sender.pid;
            wippy_answer answer;
            wippy_send(0, to.node, to.host, to.sequence, "count", 5, &reply, 1, &answer);
        } else if (got.tag == WIPPY_GOT_EVENT && got.event.tag == WIPPY_CANCEL) {
            outcome = (wippy_outcome){.failed = 0, .value = {.tag = WIPPY_INTEGER, .integer = sum}};
            return &outcome;
        }
    }
}
