/* The near end of a programmer's serial port: what the board sees of the computer it is plugged
 * into. The far end is what the program under test opens:
 *   pty  a pseudo-terminal, as a path; no modem lines (opening still counts as raising DTR)
 *   tty  /dev/ttyACM0 in a umockdev test bed, so that libserialport finds it in /sys and its modem
 *        line ioctls arrive here; the program needs the test bed's environment
 *   tcp  a listening socket on the loopback interface
 * One thread uses a port; serial_port_wake() alone may be called from others. */
#ifndef MODEL_SERIAL_PORT_H
#define MODEL_SERIAL_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serial_port;

enum serial_port_kind { SERIAL_PORT_PTY, SERIAL_PORT_TTY, SERIAL_PORT_TCP };

struct serial_port_id { /* what /sys says of a tty; the others have none */
    uint16_t vendor, product;
    const char *title, *serial;
};

/* Complains on stderr and returns NULL if it cannot be made. `id` may be NULL: an Arduino Uno. */
struct serial_port *serial_port_new(enum serial_port_kind kind, const struct serial_port_id *id);
void serial_port_free(struct serial_port *port); /* takes NULL */

/* As -P takes it: "/tmp/rig-x1y2z3/tty", "/dev/ttyACM0", "net:127.0.0.1:40123". */
const char *serial_port_name(const struct serial_port *port);
/* In a child, before exec: the variables the program needs to find the port. */
void serial_port_export(const struct serial_port *port);

/* Waits at most `timeout_ns` for bytes, an opening, modem lines or a wake. */
void serial_port_wait(struct serial_port *port, uint64_t timeout_ns);
void serial_port_wake(struct serial_port *port);
/* What has come, without waiting. */
size_t serial_port_read(struct serial_port *port, uint8_t *data, size_t size);
/* Sends; bytes that nobody is there to take are lost, as on a real wire. */
void serial_port_write(struct serial_port *port, const uint8_t *data, size_t size);
bool serial_port_is_open(struct serial_port *port);
/* The rate the program has set; 0: the link has none. */
uint32_t serial_port_baud(struct serial_port *port);

/* Modem lines as the system drives them: raised by opening, dropped by closing if HUPCL is set,
 * and as the program wants between. */
struct serial_port_lines {
    bool dtr, rts;
    unsigned dtr_raised; /* how often: each is a RESET pulse on a board with the usual capacitor */
    unsigned opened, closed;
    unsigned touches_1200;      /* closed with a rate of 1200 baud */
    bool low_latency;           /* a tty's driver passes bytes on at once; */
    unsigned low_latency_asked; /* so often */
};
struct serial_port_lines serial_port_lines(struct serial_port *port);

/* What goes wrong on the way, counted from the rig's start; 0: does not. */
struct serial_port_faults {
    uint64_t unplug_after; /* so many bytes from the computer: the port vanishes */
    uint64_t mute_after;   /* so many bytes from the computer: nothing reaches it any more */
    uint64_t lose_in;      /* this byte from the computer is lost; 1: the first */
    uint64_t lose_out;     /* this byte to the computer is lost */
    uint64_t noise_out;    /* a byte that nobody sent follows this one */
};
void serial_port_set_faults(struct serial_port *port, const struct serial_port_faults *faults);

#endif
