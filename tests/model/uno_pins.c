/* The Uno's SPI and the pins that go to the chip: ATmega328P data sheet, "SPI" and "I/O Ports".
 * Digital pins 10 to 13 are PB2 (RESET), PB3 (MOSI), PB4 (MISO), PB5 (SCK). */
#include <simavr/avr_ioport.h>
#include <simavr/sim_cycle_timers.h>

#include "model/uno_private.h"

enum {
    DDRB = 0x24,
    PORTB = 0x25,
    SPCR = 0x4c,
    SPSR = 0x4d,
    SPDR = 0x4e,
    SPE = 0x40,
    MSTR = 0x10,
    SPIF = 0x80,
    SPI2X = 0x01,
    PIN_RESET = 2,
    PIN_MOSI = 3,
    PIN_MISO = 4,
    PIN_SCK = 5,
};

uint64_t uno_cycle_ns(avr_cycle_count_t cycle)
{
    return cycle * 125 / 2;
}

static bool spi_drives_pins(const avr_t *avr)
{
    return (avr->data[SPCR] & (SPE | MSTR)) == (SPE | MSTR);
}

/* The level of a pin that is an output; else what it is when the Uno lets go of it. */
static bool pin_level(const avr_t *avr, unsigned pin, bool released)
{
    return (avr->data[DDRB] >> pin & 1) != 0 ? (avr->data[PORTB] >> pin & 1) != 0 : released;
}

static void update_pins(struct uno *uno)
{
    const avr_t *avr = uno->avr;
    const uint64_t now = uno_cycle_ns(avr->cycle);
    avr_chip_set_pin(uno->chip, AVR_PIN_RESET,
                     pin_level(avr, PIN_RESET, avr_chip_reset_released(uno->chip)), now);
    if (uno->pins.spi_busy) {
        return;
    }
    if (spi_drives_pins(avr)) { /* mode 0: SCK rests low */
        avr_chip_set_pin(uno->chip, AVR_PIN_SCK, false, now);
        return;
    }
    avr_chip_set_pin(uno->chip, AVR_PIN_MOSI, pin_level(avr, PIN_MOSI, false), now);
    avr_chip_set_pin(uno->chip, AVR_PIN_SCK, pin_level(avr, PIN_SCK, false), now);
    avr_raise_irq(uno->pins.miso, avr_chip_miso(uno->chip, now));
}

static void pins_changed(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)value;
    struct uno *uno = param;
    uno->last_activity = uno->avr->cycle;
    update_pins(uno);
}

/* The byte's last bit is through. */
static avr_cycle_count_t transferred(avr_t *avr, avr_cycle_count_t when, void *param)
{
    (void)when;
    struct uno *uno = param;
    struct uno_pins *pins = &uno->pins;
    uint64_t now = uno_cycle_ns(pins->spi_start);
    pins->spi_in =
        avr_chip_transfer(uno->chip, pins->spi_out, &now, uno_cycle_ns(pins->spi_divider) / 2);
    pins->spi_busy = false;
    pins->spif_seen = false;
    avr->data[SPSR] |= SPIF;
    uno->stats.spi_bytes++;
    uno->last_activity = avr->cycle;
    return 0;
}

static unsigned divider(const avr_t *avr)
{
    static const unsigned by_rate[] = {4, 16, 64, 128};
    const unsigned plain = by_rate[avr->data[SPCR] & 0x03];
    return (avr->data[SPSR] & SPI2X) != 0 ? plain / 2 : plain;
}

static void data_accessed(struct uno *uno)
{
    if (uno->pins.spif_seen) {
        uno->avr->data[SPSR] = (uint8_t)(uno->avr->data[SPSR] & ~SPIF);
        uno->pins.spif_seen = false;
    }
}

static void write_data(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    (void)addr;
    struct uno *uno = param;
    data_accessed(uno);
    if (!spi_drives_pins(avr) || uno->pins.spi_busy) {
        return;
    }
    uno->pins.spi_busy = true;
    uno->pins.spi_out = value;
    uno->pins.spi_start = avr->cycle;
    uno->pins.spi_divider = divider(avr);
    avr_cycle_timer_register(avr, 8 * uno->pins.spi_divider, transferred, uno);
}

static uint8_t read_data(avr_t *avr, avr_io_addr_t addr, void *param)
{
    struct uno *uno = param;
    data_accessed(uno);
    avr->data[addr] = uno->pins.spi_in;
    return uno->pins.spi_in;
}

static uint8_t read_status(avr_t *avr, avr_io_addr_t addr, void *param)
{
    struct uno *uno = param;
    uno->pins.spif_seen = (avr->data[addr] & SPIF) != 0;
    return avr->data[addr];
}

static void write_status(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    (void)param;
    avr->data[addr] = (uint8_t)((avr->data[addr] & ~SPI2X) | (value & SPI2X));
}

static void write_control(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    avr->data[addr] = value;
    update_pins(param);
}

static void take_over(struct uno *uno, unsigned addr, avr_io_read_t read, avr_io_write_t write)
{
    avr_t *avr = uno->avr;
    avr->io[AVR_DATA_TO_IO(addr)].r.c = read;
    avr->io[AVR_DATA_TO_IO(addr)].r.param = uno;
    avr->io[AVR_DATA_TO_IO(addr)].w.c = write;
    avr->io[AVR_DATA_TO_IO(addr)].w.param = uno;
}

void uno_pins_init(struct uno *uno)
{
    avr_t *avr = uno->avr;
    take_over(uno, SPDR, read_data, write_data);
    take_over(uno, SPSR, read_status, write_status);
    take_over(uno, SPCR, NULL, write_control);
    uno->pins.miso = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), PIN_MISO);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), IOPORT_IRQ_REG_PORT),
                            pins_changed, uno);
    avr_irq_register_notify(
        avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), IOPORT_IRQ_DIRECTION_ALL), pins_changed,
        uno);
}
