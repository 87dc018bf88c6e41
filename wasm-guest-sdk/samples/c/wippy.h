/* The part of the contract `wippy:process@0.1.0` that most processes need, in C: values, messages, events, sending, logging.
 * On wasm32 the canonical ABI lays records out as C structs and variants as a tag and a union, so no generated code and no
 * library is needed. wit/ says what everything means; what is missing here is added in the same way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIPPY_IMPORT(module, function) \
    __attribute__((import_module("wippy:process/" module "@0.1.0"), import_name(function)))

/* Carries the type of the world, so that the runtime can make a component of the module. Once in each guest; the file is
 * src/abi/process.component-type of the SDK. */
#define WIPPY_WORLD(file)                                                     \
    __asm__(".section \".custom_section.component-type:wippy:process\",\"\",@\n" \
            ".incbin \"" file "\"\n"                                          \
            ".text\n")

typedef struct { uint32_t node, host; uint64_t sequence; } wippy_pid;
typedef struct { const char *at; size_t len; } wippy_text;
typedef struct { uint8_t format; wippy_text data; } wippy_encoded;

typedef struct {
    wippy_text kind, message;
    struct { uint8_t set, value; } retryable;
    struct { uint8_t set; wippy_encoded value; } details;
} wippy_error;

enum { WIPPY_NIL, WIPPY_BOOLEAN, WIPPY_INTEGER, WIPPY_NUMBER, WIPPY_TEXT, WIPPY_BYTES, WIPPY_ENCODED, WIPPY_HELD, WIPPY_ERROR };

typedef struct {
    uint8_t tag;
    union {
        bool boolean;
        int64_t integer;
        double number;
        wippy_text text, bytes;
        wippy_encoded encoded;
        uint32_t held;
        wippy_error error;
    };
} wippy_payload;

typedef struct { const wippy_payload *at; size_t len; } wippy_payloads;
typedef struct { uint8_t set; wippy_pid pid; } wippy_sender;
typedef struct { uint8_t failed; union { wippy_payload value; wippy_error error; }; } wippy_outcome;
typedef struct { uint8_t failed; wippy_error error; } wippy_answer;

typedef struct { wippy_text topic; wippy_sender sender; wippy_payloads payloads; } wippy_message;

enum { WIPPY_EXIT, WIPPY_LINK_DOWN, WIPPY_CANCEL, WIPPY_OUTDATED };

typedef struct {
    uint8_t tag;
    union {
        struct { wippy_pid who; int64_t at; wippy_outcome outcome; } exit;
        struct { wippy_pid who; int64_t at; wippy_error reason; } link_down;
        struct { wippy_sender by; int64_t at; wippy_text reason; } cancel;
        struct { int64_t at; struct { const wippy_text *at; size_t len; } sources; } outdated;
    };
} wippy_event;

enum { WIPPY_GOT_MESSAGE, WIPPY_GOT_EVENT, WIPPY_GOT_CALL, WIPPY_GOT_TIMEOUT };

typedef struct { uint8_t tag; union { wippy_message message; wippy_event event; uint32_t call; }; } wippy_incoming;

_Static_assert(sizeof(wippy_payload) == 48 && sizeof(wippy_outcome) == 56, "the layout of wippy:process");
_Static_assert(sizeof(wippy_message) == 40 && sizeof(wippy_incoming) == 96, "the layout of wippy:process");

/* What to wait for. */
enum { WIPPY_INBOX = 1, WIPPY_EVENTS = 2 };

WIPPY_IMPORT("mailbox", "receive")
void wippy_receive(int want, const wippy_text *topics, size_t topics_len, const uint32_t *calls, size_t calls_len,
                   int limited, uint64_t nanoseconds, wippy_incoming *got);

/* `kind` 0: the process with the pid node, host, sequence; 1: the one with the name at `node`, `host` bytes long. */
WIPPY_IMPORT("processes", "send")
void wippy_send(int kind, uint32_t node, uint32_t host, uint64_t sequence, const char *topic, size_t topic_len,
                const wippy_payload *payloads, size_t payloads_len, wippy_answer *answer);

enum { WIPPY_DEBUG, WIPPY_INFO, WIPPY_WARN, WIPPY_FAIL };

WIPPY_IMPORT("log", "write")
void wippy_log(int level, const char *message, size_t len, const void *fields, size_t fields_len);
