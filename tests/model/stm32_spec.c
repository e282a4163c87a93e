/* The chip types, from their data sheets and RM0008, "MCU device ID code". */
#include <strings.h>

#include "stm32_private.h"

#define ARM_DPIDR 0x1ba01477
#define R1P1 0x411fc231
#define R2P1 0x412fc231
/* Other makers' chips with an ST name on them: another core and so another debug port. */
#define CLONE_DPIDR 0x2ba01477

static const struct stm32_chip_spec specs[] = {
    {"stm32f103c8", ARM_DPIDR, R1P1, 0x20036410, 64, 1024, 20 << 10, 4, false},
    {"stm32f103cb", ARM_DPIDR, R1P1, 0x20036410, 128, 1024, 20 << 10, 4, false},
    {"stm32f103c6", ARM_DPIDR, R1P1, 0x10006412, 32, 1024, 10 << 10, 4, false},
    {"stm32f103rc", ARM_DPIDR, R1P1, 0x10036414, 256, 2048, 48 << 10, 2, false},
    {"stm32f103re", ARM_DPIDR, R1P1, 0x10036414, 512, 2048, 64 << 10, 2, false},
    {"stm32f103rg", ARM_DPIDR, R2P1, 0x10036430, 1024, 2048, 96 << 10, 2, true},
    {"stm32f107vc", ARM_DPIDR, R1P1, 0x10016418, 256, 2048, 64 << 10, 2, false},
    {"stm32f100rb", ARM_DPIDR, R1P1, 0x10016420, 128, 1024, 8 << 10, 4, false},
    {"stm32f100re", ARM_DPIDR, R1P1, 0x10016428, 512, 2048, 32 << 10, 2, false},
    {"cks32f103c8", CLONE_DPIDR, R2P1, 0x20036410, 64, 1024, 20 << 10, 4, false},
    {"gd32f103c8", CLONE_DPIDR, R2P1, 0x13030410, 64, 1024, 20 << 10, 4, false},
    {"apm32f103cb", CLONE_DPIDR, R2P1, 0x20036410, 128, 1024, 20 << 10, 4, false},
};

const struct stm32_chip_spec *stm32_chip_spec_at(size_t index)
{
    return index < sizeof specs / sizeof specs[0] ? &specs[index] : NULL;
}

const struct stm32_chip_spec *stm32_chip_spec(const char *name)
{
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        if (strcasecmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

const char *stm32_chip_spec_name(const struct stm32_chip_spec *spec)
{
    return spec->name;
}
