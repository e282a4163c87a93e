/* Chips as data: what a part is called, which memories it has, and the instructions that reach
 * them. Parts are read from the files in parts/ (built in) and from the user's own, by one strict
 * reader, and are const from then on. */
#ifndef ISPFLASH_PART_H
#define ISPFLASH_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum part_family {
    PART_AVR_ISP, /* classic AVR and AT89S, SPI serial programming */
    PART_STM32F1  /* STM32F100 to F107, over SWD */
};

enum memory_kind {
    MEMORY_FLASH,
    MEMORY_EEPROM,
    MEMORY_FUSE, /* one fuse byte; the name tells which: fuse, lfuse, hfuse, efuse */
    MEMORY_LOCK,
    MEMORY_SIGNATURE,
    MEMORY_CALIBRATION,
    MEMORY_USERSIG,
    MEMORY_UID /* a number that no other chip has */
};

/* How the end of a write is recognised (ATmega328P data sheet, "Data Polling Flash/EEPROM" and
 * "Poll RDY/BSY"). */
enum poll_method {
    POLL_WAIT,  /* not at all: wait the full time */
    POLL_READY, /* F0 00 00 00, bit 0 of the fourth answer byte is 1 while busy */
    POLL_VALUE  /* read a location back until it holds what was written */
};

/* Where data bits travel in an instruction: (value & mask), shifted left by `shift` (right when
 * negative), in byte `byte` of the four. */
struct bit_map {
    uint8_t mask;
    uint8_t byte;
    int8_t shift;
};

/* A four-byte serial programming instruction without address and data. Flash addresses are word
 * addresses (byte addresses where the memory has no high-byte read), all others byte addresses;
 * they go into bytes 1 and 2. Without a map, data is all of byte 3. */
struct isp_command {
    bool present;
    uint8_t bytes[4];
    uint8_t address_shift; /* of the address, left: 8 for AT89S signature bytes, else 0 */
    uint8_t map_count;
    struct bit_map maps[4];
};

struct isp_commands {
    struct isp_command read[2];  /* [0] the byte, or the low byte of a word; [1] the high byte */
    struct isp_command write[2]; /* programs one byte at once */
    struct isp_command load[2];  /* loads one byte of the page buffer */
    struct isp_command commit;   /* programs the page from the buffer */
};

struct field_value {
    uint8_t value; /* right-aligned: shift left by the lowest set bit of the field's mask */
    const char *name;
    const char *caption;
    uint32_t clock_min_hz, clock_max_hz; /* of the clock it selects, undivided; max 0: none known */
};

/* A named bit field of a fuse or lock byte. Without values it is a flag: the bit is 0 when the
 * caption holds. */
struct field {
    const char *name; /* as the data sheet has it: BODLEVEL */
    uint8_t mask;
    const char *caption;
    const struct field_value *values;
    size_t value_count;
};

struct memory {
    const char *name; /* as the user types it: flash, eeprom, hfuse, lock, signature */
    enum memory_kind kind;
    uint32_t base;         /* the byte address of its first byte; 0 but for a few */
    uint32_t size;         /* bytes */
    uint32_t page_size;    /* bytes; 0: programmed byte by byte */
    uint32_t erase_us;     /* a page's own erase, always enough; 0: pages are not erased alone */
    uint32_t erase_min_us; /* data sheet minimum; 0: unknown */
    uint32_t bank_size;    /* bytes until a second flash controller takes over; 0: there is one */
    uint32_t write_us;     /* wait after a page (or byte) when not polling; always enough */
    uint32_t write_min_us; /* data sheet minimum, to begin polling or to simulate; 0: unknown */
    enum poll_method poll;
    uint8_t poll_values[2]; /* read while busy, so they cannot be polled for */
    uint8_t poll_value_count;
    uint8_t mask;    /* fuse, lock: implemented bits; the others count for nothing */
    uint8_t initial; /* fuse, lock: factory value, if known */
    bool initial_known;
    bool readable, writable; /* over ISP or SWD */
    uint8_t write_mask;      /* fuse, lock: bits that can be changed */
    const struct field *fields;
    size_t field_count;
    struct isp_commands isp;
};

/* What a fuse or lock setting can do to the chip. The first three cut ISP off for good and need a
 * word from the user; see part_hazard_name(). */
enum hazard_kind {
    HAZARD_RESET_DISABLE,  /* RESET becomes a port pin */
    HAZARD_DEBUGWIRE,      /* debugWIRE owns RESET */
    HAZARD_EXTERNAL_CLOCK, /* needs a clock signal fed into XTAL1/CLKI */
    HAZARD_CRYSTAL,        /* needs a crystal, resonator or RC network */
    HAZARD_SLOW_CLOCK,     /* 32 kHz to 128 kHz: only a very slow SCK is followed */
    HAZARD_CLOCK_DIVIDED,  /* CKDIV8 and the like */
    HAZARD_SPI_DISABLE,    /* SPIEN = 1: ignored when written over ISP */
    HAZARD_LOCK,           /* no further programming or reading before a chip erase */
    HAZARD_OTHER           /* stays reachable; something else may surprise */
};

/* (byte & mask) is one of `values` (in place, not shifted). */
struct hazard {
    enum hazard_kind kind;
    const struct memory *memory;
    uint8_t mask;
    const uint8_t *values;
    size_t value_count;
    const char *caption;  /* what happens; may be NULL */
    const char *recovery; /* the way back; may be NULL */
};

struct part {
    const char *id;             /* "atmega328p" */
    const char *name;           /* "ATmega328P" */
    const char *const *aliases; /* "m328p", and what else people type; lower case */
    size_t alias_count;
    enum part_family family;
    const char *series;   /* "megaAVR" */
    uint8_t signature[3]; /* STM32F1: DEV_ID, high byte first, and flash in units of 16 KiB */
    const char *twin_of;  /* name of the commoner part of the same signature, or NULL */
    const struct memory *memories;
    size_t memory_count;
    const uint32_t *boot_sizes; /* bytes, smallest first: BOOTSZ 3, 2, 1, 0 */
    size_t boot_size_count;
    uint32_t clock_max_hz;
    uint8_t sck_divider;         /* SCK must stay below the clock divided by this: see part_sck() */
    uint16_t undivided_min_mv;   /* supply for the internal oscillator undivided; 0: not known */
    uint32_t erase_us;           /* wait after Chip Erase when not polling; always enough */
    uint32_t erase_min_us;       /* data sheet minimum; 0: unknown */
    enum poll_method erase_poll; /* POLL_READY or POLL_WAIT */
    bool extended_address;       /* needs Load Extended Address: flash above 128 KiB */
    bool reset_active_high;
    bool reset_as_io;              /* has a RSTDISBL fuse */
    bool old_lock_hides_signature; /* answers 00 01 02 when both lock bits are programmed */
    bool reenter_after_erase;      /* AT90S: Chip Erase ends in a RESET pulse */
    uint8_t enable_reply_byte;     /* which answer byte of AC 53 00 00 proves the chip: 2 or 3 */
    uint8_t enable_reply_value;    /* 0x53 (AVR), 0x69 (AT89S); 0: no answer (AT90S1200) */
    struct isp_command chip_erase;
    uint32_t sram_size;  /* STM32F1 */
    uint32_t core_id;    /* STM32F1: IDCODE of the debug port in the maker's own chips */
    uint8_t stk500_code; /* device code of AVR061; 0: none */
    const char *reset_pin, *mosi_pin, *miso_pin, *sck_pin; /* "PB3"; NULL: not known */
    const char *const *interfaces; /* "isp", "hvpp", "hvsp", "jtag", "debugwire" */
    size_t interface_count;
    const struct hazard *hazards;
    size_t hazard_count;
    const char *source; /* where the values come from */
    const char *notes;  /* may be NULL */
};

struct part_database;

/* Opens the built-in parts. No part is parsed before it is asked for. */
MUST_USE enum status part_database_open(struct part_database **out, struct error *e);
void part_database_close(struct part_database *db); /* takes NULL; all its parts go with it */

/* Adds a file of the user's, read at once; its parts hide built-in ones of the same id. Errors are
 * "file:line: what" with STATUS_INPUT. The directory form reads every *.part in it, in order of
 * name; a directory that does not exist adds nothing. */
MUST_USE enum status part_database_add_file(struct part_database *db, const char *path,
                                            struct error *e);
MUST_USE enum status part_database_add_text(struct part_database *db, const char *name,
                                            const char *text, struct error *e); /* both copied */
MUST_USE enum status part_database_add_directory(struct part_database *db, const char *path,
                                                 struct error *e);

/* By id, name or alias, case ignored; package variants ("ATmega328P-PU") too. STATUS_USAGE with the
 * nearest names as hint if unknown; STATUS_UNSUPPORTED for a part that is known to need another
 * interface (UPDI, PDI, TPI, ...). The part lives as long as the database. */
MUST_USE enum status part_find(struct part_database *db, const char *name, const struct part **out,
                               struct error *e);

/* Fills `out` (room for `capacity`) with the parts of this signature, commonest first; returns how
 * many there are, which may be more than fit. */
MUST_USE enum status part_by_signature(struct part_database *db, const uint8_t signature[3],
                                       const struct part **out, size_t capacity, size_t *count,
                                       struct error *e);

/* One line a part for listings, sorted by name, without parsing the part. */
struct part_entry {
    const char *id, *name;
    const char *const *aliases;
    size_t alias_count;
    uint8_t signature[3];
};
size_t part_count(const struct part_database *db);
struct part_entry part_entry_at(const struct part_database *db, size_t index);

/* A part that stands for "some classic AVR" until the signature is known: signature, fuses and lock
 * bits by the standard instructions, nothing writable. */
const struct part *part_generic_avr(void);
/* The same for "some STM32F1": option bytes and unique id can be read. */
const struct part *part_generic_stm32f1(void);

/* True if a chip that answers with this signature may be taken for the part. An STM32F1 with more
 * flash than the part has will do. */
bool part_accepts(const struct part *part, const uint8_t signature[3]);

enum { PART_SIGNATURE_TEXT = 32 };
/* What the family calls its signature: "signature", "chip id"; and the signature in words: "1e 95
 * 0f", "0x410 with 64 KiB". Returns `out`. */
const char *part_signature_name(enum part_family family);
const char *part_signature_text(enum part_family family, const uint8_t signature[3],
                                char out[PART_SIGNATURE_TEXT]);

/* True if an image and fuse bytes for one suit the other: same memories, page sizes and fuse
 * masks. */
bool part_same_layout(const struct part *a, const struct part *b);

enum memory_lookup {
    MEMORY_FOUND,
    MEMORY_ABSENT,  /* other parts have one of this name, this one has not */
    MEMORY_UNKNOWN, /* no part has it */
    MEMORY_AMBIGUOUS
};

/* Exact name, else alias (userrow for usersig, ...), else unique start; case counts. Names that
 * only other families know (prodsig, fuse0, ...) are MEMORY_ABSENT too. `part` may be NULL to ask
 * whether any part has it: then MEMORY_ABSENT is the good answer. */
enum memory_lookup part_memory_find(const struct part *part, const char *name,
                                    const struct memory **out);

/* The memory of this kind, or NULL; for MEMORY_FUSE the first. */
const struct memory *part_memory(const struct part *part, enum memory_kind kind);

/* The field of this name (case ignored), or NULL. */
const struct field *memory_field(const struct memory *memory, const char *name);

/* The right-aligned value of a field in a byte. */
uint8_t field_get(const struct field *field, uint8_t byte);

/* True if a byte of `memory` set to `value` meets the hazard. */
bool hazard_hit(const struct hazard *hazard, uint8_t value);

/* True if `memory` is a fuse byte that chooses or divides the clock. */
bool part_sets_clock(const struct part *part, const struct memory *memory);

/* The NAME of --allow NAME: "reset-disable", "debugwire", "external-clock", ... */
const char *part_hazard_name(enum hazard_kind kind);

/* What the fuses make of the chip's clock. */
struct part_clock {
    uint32_t min_hz, max_hz;      /* of the CPU, after the divider; min 0: anything up to max */
    bool internal;                /* from an oscillator of the chip's own */
    const struct memory *divider; /* the fuse byte that divides it by 8; NULL: it is not divided */
    uint8_t divider_mask;         /* set in that byte: not divided */
};

/* False if the part's fuses do not tell, or not in a way known here. `fuses` is indexed like
 * part->memories; only fuse entries are looked at. */
bool part_clock(const struct part *part, const uint8_t *fuses, struct part_clock *out);

/* The SCK that a chip at this clock no longer follows: a usable one is below it. */
uint32_t part_sck_limit(const struct part *part, uint32_t clock_hz);

/* True if the EEPROM survives Chip Erase with these fuse bytes; `*known` says if the part has an
 * EESAVE field at all. `fuses` is indexed like part->memories; only fuse entries are looked at. */
bool part_eeprom_survives(const struct part *part, const uint8_t *fuses, bool *known);

/* Where the boot section begins with these fuse bytes (indexed like part->memories; only fuse
 * entries are looked at), as a byte address. False: the part has none. */
bool part_boot_start(const struct part *part, const uint8_t *fuses, uint32_t *start);

#endif
