/* The chips the model knows. All numbers are from the chips' own data sheets: "Memory Programming"
 * (signature, fuse, lock and calibration bytes; page sizes; minimum wait delays, here the longest
 * busy time), "System Clock and Clock Options" (CKSEL), "Serial Downloading". Typical busy times
 * are those of "SPM programming time" and "EEPROM programming time" at 5 V. */
#include <strings.h>

#include "model/avr_private.h"

/* ATmega328P, ATmega1284P, ATmega2560: "Clock Sources", CKSEL3..0. */
static const struct avr_clock clock_mega = {
    .mask = 0x0f,
    .crystal_from = 6,
    .divide_by_8 = {0, 0x80},
    .source =
        {
            [0] = CLOCK_EXTERNAL,
            [2] = 8000000,
            [3] = 128000,
            [4] = CLOCK_WATCH_CRYSTAL,
            [5] = CLOCK_WATCH_CRYSTAL,
        },
};

/* ATmega328PB: the same without the full swing crystal oscillator. */
static const struct avr_clock clock_328pb = {
    .mask = 0x0f,
    .crystal_from = 8,
    .divide_by_8 = {0, 0x80},
    .source =
        {
            [0] = CLOCK_EXTERNAL,
            [2] = 8000000,
            [3] = 128000,
            [4] = CLOCK_WATCH_CRYSTAL,
            [5] = CLOCK_WATCH_CRYSTAL,
        },
};

/* ATmega16U4/32U4, AT90USB1286: no 128 kHz oscillator, no full swing crystal. */
static const struct avr_clock clock_usb = {
    .mask = 0x0f,
    .crystal_from = 8,
    .divide_by_8 = {0, 0x80},
    .source =
        {
            [0] = CLOCK_EXTERNAL,
            [2] = 8000000,
            [4] = CLOCK_WATCH_CRYSTAL,
            [5] = CLOCK_WATCH_CRYSTAL,
        },
};

/* ATmega8, ATmega32A, ATmega128: 5 to 8 are external RC oscillators. */
static const struct avr_clock clock_old_mega = {
    .mask = 0x0f,
    .crystal_from = 10,
    .source =
        {
            [0] = CLOCK_EXTERNAL,
            [1] = 1000000,
            [2] = 2000000,
            [3] = 4000000,
            [4] = 8000000,
            [9] = CLOCK_WATCH_CRYSTAL,
        },
};

/* ATtiny85: 1 is the PLL at 16 MHz, 3 the ATtiny15 mode (6.4 MHz divided by four). */
static const struct avr_clock clock_tiny85 = {
    .mask = 0x0f,
    .crystal_from = 8,
    .divide_by_8 = {0, 0x80},
    .source =
        {
            [0] = CLOCK_EXTERNAL,
            [1] = 16000000,
            [2] = 8000000,
            [3] = 1600000,
            [4] = 128000,
            [6] = CLOCK_WATCH_CRYSTAL,
        },
};

/* ATtiny2313: the lowest CKSEL bit of the RC oscillators chooses nothing. */
static const struct avr_clock clock_tiny2313 = {
    .mask = 0x0f,
    .crystal_from = 8,
    .divide_by_8 = {0, 0x80},
    .source =
        {
            [0] = CLOCK_EXTERNAL,
            [2] = 4000000,
            [3] = 4000000,
            [4] = 8000000,
            [5] = 8000000,
            [6] = 128000,
            [7] = 128000,
        },
};

/* ATtiny13: CKSEL1..0. */
static const struct avr_clock clock_tiny13 = {
    .mask = 0x03,
    .crystal_from = 4,
    .divide_by_8 = {0, 0x10},
    .source = {CLOCK_EXTERNAL, 4800000, 9600000, 128000},
};

static const struct avr_times times_mega = {
    .flash = {3700, 4500}, .eeprom = {3400, 3600}, .erase = {7400, 9000}, .fuse = {3700, 4500}};
static const struct avr_times times_328pb = {
    .flash = {3200, 4500}, .eeprom = {3400, 3600}, .erase = {9000, 10500}, .fuse = {3700, 4500}};
/* Their data sheets ask for 9 ms after an EEPROM write that is sooner over. */
static const struct avr_times times_mega_9 = {
    .flash = {3700, 4500}, .eeprom = {3400, 9000}, .erase = {7400, 9000}, .fuse = {3700, 4500}};
/* EEPROM: 8448 cycles of a 1 MHz oscillator, typically 8.5 ms. */
static const struct avr_times times_old_mega = {
    .flash = {3700, 4500}, .eeprom = {8500, 9000}, .erase = {7400, 9000}, .fuse = {3700, 4500}};
static const struct avr_times times_tiny = {
    .flash = {3700, 4500}, .eeprom = {3400, 4000}, .erase = {3400, 4000}, .fuse = {3700, 4500}};
/* "Minimum Wait Delay": typical at 5 V, longest at 3.2 V. */
static const struct avr_times times_at90s = {
    .flash = {3200, 9000}, .eeprom = {3200, 9000}, .erase = {7200, 18000}, .fuse = {3200, 9000}};
static const struct avr_times times_at89s = {
    .flash = {400, 500}, .erase = {400000, 500000}, .fuse = {400, 500}};

static const struct avr_lock_bits lock_boot = {.mask = 0x3f, .lb1 = 0x01, .lb2 = 0x02};
static const struct avr_lock_bits lock_plain = {.mask = 0x03, .lb1 = 0x01, .lb2 = 0x02};
static const struct avr_lock_bits lock_at90s = {.mask = 0x06, .lb1 = 0x02, .lb2 = 0x04};
static const struct avr_lock_bits lock_at89s = {.mask = 0x1c};

/* Where the fuses are that matter to ISP: byte 0 low, 1 high. */
static const struct avr_special_fuses special_jtag = {.spien = {1, 0x20}, .eesave = {1, 0x08}};
static const struct avr_special_fuses special_m8 = {
    .spien = {1, 0x20}, .eesave = {1, 0x08}, .reset_disable = {1, 0x80}};
static const struct avr_special_fuses special_debugwire = {
    .spien = {1, 0x20}, .eesave = {1, 0x08}, .reset_disable = {1, 0x80}, .debugwire = {1, 0x40}};
static const struct avr_special_fuses special_tiny13 = {
    .spien = {0, 0x80}, .eesave = {0, 0x40}, .reset_disable = {1, 0x01}, .debugwire = {1, 0x08}};
static const struct avr_special_fuses special_tiny2313 = {
    .spien = {1, 0x20}, .eesave = {1, 0x40}, .reset_disable = {1, 0x01}, .debugwire = {1, 0x80}};

static const struct avr_chip_spec specs[] = {
    {
        .name = "atmega328p",
        .id = "m328p",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x95, 0x0f},
        .flash_size = 32768,
        .flash_page = 128,
        .eeprom_size = 1024,
        .eeprom_page = 4,
        .fuse_count = 3,
        .fuse_default = {0x62, 0xd9, 0xff},
        .fuse_mask = {0xff, 0xff, 0x07},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_mega,
        .clock = &clock_mega,
        .special = &special_debugwire,
    },
    {
        .name = "atmega328pb",
        .id = "m328pb",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x95, 0x16},
        .flash_size = 32768,
        .flash_page = 128,
        .eeprom_size = 1024,
        .eeprom_page = 4,
        .fuse_count = 3,
        .fuse_default = {0x62, 0xd9, 0xf7},
        .fuse_mask = {0xff, 0xff, 0x0f},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_328pb,
        .clock = &clock_328pb,
        .special = &special_debugwire,
    },
    {
        .name = "atmega32u4",
        .id = "m32u4",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x95, 0x87},
        .flash_size = 32768,
        .flash_page = 128,
        .eeprom_size = 1024,
        .eeprom_page = 4,
        .fuse_count = 3,
        .fuse_default = {0x52, 0x99, 0xfb},
        .fuse_mask = {0xff, 0xff, 0x0f},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_mega_9,
        .clock = &clock_usb,
        .special = &special_jtag,
    },
    {
        .name = "atmega16u4",
        .id = "m16u4",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x94, 0x88},
        .flash_size = 16384,
        .flash_page = 128,
        .eeprom_size = 512,
        .eeprom_page = 4,
        .fuse_count = 3,
        .fuse_default = {0x52, 0x99, 0xfb},
        .fuse_mask = {0xff, 0xff, 0x0f},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_mega_9,
        .clock = &clock_usb,
        .special = &special_jtag,
    },
    {
        .name = "at90usb1286",
        .id = "usb1286",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x97, 0x82},
        .flash_size = 131072,
        .flash_page = 256,
        .eeprom_size = 4096,
        .eeprom_page = 8,
        .fuse_count = 3,
        .fuse_default = {0x5e, 0x99, 0xf3},
        .fuse_mask = {0xff, 0xff, 0x0f},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_mega_9,
        .clock = &clock_usb,
        .special = &special_jtag,
    },
    {
        .name = "atmega2560",
        .id = "m2560",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x98, 0x01},
        .flash_size = 262144,
        .flash_page = 256,
        .eeprom_size = 4096,
        .eeprom_page = 8,
        .fuse_count = 3,
        .fuse_default = {0x62, 0x99, 0xff},
        .fuse_mask = {0xff, 0xff, 0x07},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_mega_9,
        .clock = &clock_mega,
        .special = &special_jtag,
    },
    {
        .name = "atmega1284p",
        .id = "m1284p",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x97, 0x05},
        .flash_size = 131072,
        .flash_page = 256,
        .eeprom_size = 4096,
        .eeprom_page = 8,
        .fuse_count = 3,
        .fuse_default = {0x62, 0x99, 0xff},
        .fuse_mask = {0xff, 0xff, 0x07},
        .lock = &lock_boot,
        .calibration_count = 1,
        .ready_poll = true,
        .times = &times_mega_9,
        .clock = &clock_mega,
        .special = &special_jtag,
    },
    {
        .name = "atmega8",
        .id = "m8",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x93, 0x07},
        .flash_size = 8192,
        .flash_page = 64,
        .eeprom_size = 512,
        .fuse_count = 2,
        .fuse_default = {0xe1, 0xd9},
        .fuse_mask = {0xff, 0xff},
        .lock = &lock_boot,
        .calibration_count = 4,
        .times = &times_old_mega,
        .flash_busy_value = 0xff,
        .eeprom_busy_value = {0xff, 0xff},
        .clock = &clock_old_mega,
        .special = &special_m8,
    },
    {
        .name = "atmega32a",
        .id = "m32a",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x95, 0x02},
        .flash_size = 32768,
        .flash_page = 128,
        .eeprom_size = 1024,
        .fuse_count = 2,
        .fuse_default = {0xe1, 0x99},
        .fuse_mask = {0xff, 0xff},
        .lock = &lock_boot,
        .calibration_count = 4,
        .times = &times_old_mega,
        .flash_busy_value = 0xff,
        .eeprom_busy_value = {0xff, 0xff},
        .clock = &clock_old_mega,
        .special = &special_jtag,
    },
    {
        .name = "atmega128",
        .id = "m128",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x97, 0x02},
        .flash_size = 131072,
        .flash_page = 256,
        .eeprom_size = 4096,
        .fuse_count = 3,
        .fuse_default = {0xe1, 0x99, 0xfd},
        .fuse_mask = {0xff, 0xff, 0x03},
        .lock = &lock_boot,
        .calibration_count = 4,
        .times = &times_old_mega,
        .flash_busy_value = 0xff,
        .eeprom_busy_value = {0xff, 0xff},
        .clock = &clock_old_mega,
        .special = &special_jtag,
    },
    {
        .name = "attiny85",
        .id = "t85",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x93, 0x0b},
        .flash_size = 8192,
        .flash_page = 64,
        .eeprom_size = 512,
        .eeprom_page = 4,
        .fuse_count = 3,
        .fuse_default = {0x62, 0xdf, 0xff},
        .fuse_mask = {0xff, 0xff, 0x01},
        .lock = &lock_plain,
        .calibration_count = 2,
        .ready_poll = true,
        .times = &times_tiny,
        .clock = &clock_tiny85,
        .special = &special_debugwire,
    },
    {
        .name = "attiny13",
        .id = "t13",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x90, 0x07},
        .flash_size = 1024,
        .flash_page = 32,
        .eeprom_size = 64,
        .eeprom_page = 4,
        .fuse_count = 2,
        .fuse_default = {0x6a, 0xff},
        .fuse_mask = {0xff, 0x1f},
        .lock = &lock_plain,
        .calibration_count = 2,
        .ready_poll = true,
        .times = &times_tiny,
        .clock = &clock_tiny13,
        .special = &special_tiny13,
    },
    {
        .name = "attiny2313",
        .id = "t2313",
        .family = FAMILY_AVR,
        .signature = {0x1e, 0x91, 0x0a},
        .flash_size = 2048,
        .flash_page = 32,
        .eeprom_size = 128,
        .eeprom_page = 4,
        .fuse_count = 3,
        .fuse_default = {0x64, 0xdf, 0xff},
        .fuse_mask = {0xff, 0xff, 0x01},
        .lock = &lock_plain,
        .calibration_count = 2,
        .ready_poll = true,
        .times = &times_tiny,
        .clock = &clock_tiny2313,
        .special = &special_tiny2313,
    },
    {
        .name = "at90s8515",
        .id = "8515",
        .family = FAMILY_AT90S,
        .signature = {0x1e, 0x93, 0x01},
        .flash_size = 8192,
        .eeprom_size = 512,
        .lock = &lock_at90s,
        .times = &times_at90s,
        .flash_busy_value = 0x7f,
        .eeprom_busy_value = {0x80, 0x7f},
    },
    {
        .name = "at90s1200",
        .id = "1200",
        .family = FAMILY_AT90S1200,
        .signature = {0x1e, 0x90, 0x01},
        .flash_size = 1024,
        .eeprom_size = 64,
        .lock = &lock_at90s,
        .times = &times_at90s,
        .flash_busy_value = 0xff,
        .eeprom_busy_value = {0x00, 0xff},
    },
    {
        .name = "at89s52",
        .id = "89s52",
        .family = FAMILY_AT89S,
        .signature = {0x1e, 0x52, 0x06},
        .flash_size = 8192,
        .lock = &lock_at89s,
        .times = &times_at89s,
    },
};

const struct avr_chip_spec *avr_chip_spec_at(size_t index)
{
    return index < sizeof specs / sizeof *specs ? &specs[index] : NULL;
}

const struct avr_chip_spec *avr_chip_spec(const char *name)
{
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (strcasecmp(name, specs[i].name) == 0 || strcasecmp(name, specs[i].id) == 0) {
            return &specs[i];
        }
    }
    return NULL;
}

const char *avr_chip_spec_name(const struct avr_chip_spec *spec)
{
    return spec->name;
}
