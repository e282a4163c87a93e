/* Pseudo-terminal, umockdev tty and TCP socket behind one interface. */
#include "model/serial_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "model/serial_speed.h"
#include "model/serial_tty.h"

struct serial_port {
    enum serial_port_kind kind;
    char name[64];
    char folder[32];      /* pty: where its symbolic link is; "" otherwise */
    int master, listener; /* -1: none */
    int wake[2];          /* pipe */
    bool unplugged;
    struct serial_tty *tty;
    struct serial_port_faults faults;
    uint64_t bytes_in, bytes_out;
    pthread_mutex_t lock; /* of all below: a tty changes them from umockdev's thread */
    unsigned open_count;
    bool hang_up; /* HUPCL as last seen */
    uint32_t baud;
    struct serial_port_lines lines;
};

static void *failed(const char *what)
{
    fprintf(stderr, "serial port: %s: %s\n", what, strerror(errno));
    return NULL;
}

/* --- Opening and closing at the far end ------------------------------------------------------ */

/* With the lock held, as the three that follow. */
static void read_settings(struct serial_port *port)
{
    struct termios settings;
    if (port->kind != SERIAL_PORT_TCP && tcgetattr(port->master, &settings) == 0) {
        port->baud = serial_speed_of(port->master);
        port->hang_up = (settings.c_cflag & HUPCL) != 0;
    }
}

static void drive_lines(struct serial_port *port, bool dtr, bool rts)
{
    port->lines.dtr_raised += dtr && !port->lines.dtr;
    port->lines.dtr = dtr;
    port->lines.rts = rts;
    if (port->tty != NULL) {
        serial_tty_set_lines(port->tty, dtr, rts);
    }
}

static void far_end_opened(struct serial_port *port)
{
    if (port->open_count++ == 0) {
        port->lines.opened++;
        drive_lines(port, true, true);
    }
}

static void far_end_closed(struct serial_port *port)
{
    if (port->open_count == 0 || --port->open_count > 0) {
        return;
    }
    read_settings(port);
    port->lines.closed++;
    port->lines.touches_1200 += port->baud == 1200;
    if (port->hang_up) {
        drive_lines(port, false, false);
    }
}

static void tty_opened(void *context)
{
    struct serial_port *port = context;
    pthread_mutex_lock(&port->lock);
    far_end_opened(port);
    pthread_mutex_unlock(&port->lock);
    serial_port_wake(port);
}

static void tty_closed(void *context)
{
    struct serial_port *port = context;
    pthread_mutex_lock(&port->lock);
    far_end_closed(port);
    pthread_mutex_unlock(&port->lock);
    serial_port_wake(port);
}

static void tty_lines(void *context, bool dtr, bool rts)
{
    struct serial_port *port = context;
    pthread_mutex_lock(&port->lock);
    drive_lines(port, dtr, rts);
    pthread_mutex_unlock(&port->lock);
    serial_port_wake(port);
}

static const struct serial_tty_events tty_events = {
    .opened = tty_opened, .closed = tty_closed, .lines = tty_lines};

/* --- Making one ------------------------------------------------------------------------------ */

/* Once a pseudo-terminal was opened and closed, poll() reports a hang-up until it is opened again:
 * that is how openings are seen. */
static bool prepare_master(struct serial_port *port, const char *slave)
{
    const int fd = open(slave, O_RDWR | O_NOCTTY);
    struct termios settings;
    if (fd < 0 || tcgetattr(fd, &settings) != 0) {
        return false;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= HUPCL; /* as serial ports have it, and pseudo-terminals not */
    const bool good = tcsetattr(fd, TCSANOW, &settings) == 0;
    close(fd);
    return good && fcntl(port->master, F_SETFL, O_NONBLOCK) == 0;
}

static bool make_pty(struct serial_port *port)
{
    char slave[64];
    port->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (port->master < 0 || grantpt(port->master) != 0 || unlockpt(port->master) != 0 ||
        ptsname_r(port->master, slave, sizeof slave) != 0 || !prepare_master(port, slave)) {
        return false;
    }
    snprintf(port->folder, sizeof port->folder, "/tmp/rig-XXXXXX");
    if (mkdtemp(port->folder) == NULL) {
        port->folder[0] = '\0';
        return false;
    }
    snprintf(port->name, sizeof port->name, "%s/tty", port->folder);
    return symlink(slave, port->name) == 0;
}

static bool make_tty(struct serial_port *port, const struct serial_port_id *id)
{
    static const struct serial_port_id uno = {0x2341, 0x0043, "Arduino Uno", "85430353"};
    port->tty = serial_tty_new(id != NULL ? id : &uno, &tty_events, port);
    if (port->tty == NULL) {
        return false;
    }
    char slave[64];
    port->master = serial_tty_master(port->tty);
    snprintf(port->name, sizeof port->name, "%s", serial_tty_name(port->tty));
    return ptsname_r(port->master, slave, sizeof slave) == 0 && prepare_master(port, slave);
}

static bool make_tcp(struct serial_port *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    port->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (port->listener < 0 || bind(port->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(port->listener, 1) != 0 ||
        getsockname(port->listener, (struct sockaddr *)&address, &size) != 0) {
        return false;
    }
    snprintf(port->name, sizeof port->name, "net:127.0.0.1:%u", ntohs(address.sin_port));
    return true;
}

struct serial_port *serial_port_new(enum serial_port_kind kind, const struct serial_port_id *id)
{
    struct serial_port *port = calloc(1, sizeof *port);
    if (port == NULL) {
        return failed("memory");
    }
    *port = (struct serial_port){
        .kind = kind, .master = -1, .listener = -1, .wake = {-1, -1}, .hang_up = true};
    pthread_mutex_init(&port->lock, NULL);
    bool good = pipe(port->wake) == 0 && fcntl(port->wake[0], F_SETFL, O_NONBLOCK) == 0 &&
                fcntl(port->wake[1], F_SETFL, O_NONBLOCK) == 0 &&
                fcntl(port->wake[0], F_SETFD, FD_CLOEXEC) == 0 &&
                fcntl(port->wake[1], F_SETFD, FD_CLOEXEC) == 0;
    switch (kind) {
    case SERIAL_PORT_PTY:
        good = good && make_pty(port);
        break;
    case SERIAL_PORT_TTY:
        good = good && make_tty(port, id);
        break;
    case SERIAL_PORT_TCP:
        good = good && make_tcp(port);
        break;
    }
    if (!good) {
        failed("cannot be made");
        serial_port_free(port);
        return NULL;
    }
    return port;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void serial_port_free(struct serial_port *port)
{
    if (port == NULL) {
        return;
    }
    if (port->tty != NULL) {
        serial_tty_free(port->tty); /* closes the master */
    } else {
        close_if_open(port->master);
    }
    close_if_open(port->listener);
    close_if_open(port->wake[0]);
    close_if_open(port->wake[1]);
    if (port->folder[0] != '\0') {
        unlink(port->name);
        rmdir(port->folder);
    }
    pthread_mutex_destroy(&port->lock);
    free(port);
}

const char *serial_port_name(const struct serial_port *port)
{
    return port->name;
}

void serial_port_export(const struct serial_port *port)
{
    if (port->tty != NULL) {
        serial_tty_export(port->tty);
    }
}

static void accept_client(struct serial_port *port)
{
    if (port->master >= 0) {
        return;
    }
    port->master = accept(port->listener, NULL, NULL);
    if (port->master >= 0) {
        (void)fcntl(port->master, F_SETFL, O_NONBLOCK);
        (void)fcntl(port->master, F_SETFD, FD_CLOEXEC);
        (void)setsockopt(port->master, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        far_end_opened(port);
    }
}

static void look_at_pty(struct serial_port *port)
{
    struct pollfd p = {.fd = port->master, .events = POLLIN};
    (void)poll(&p, 1, 0);
    if ((p.revents & POLLHUP) != 0 && (p.revents & POLLIN) == 0) {
        far_end_closed(port);
    } else if ((p.revents & POLLHUP) == 0 && port->open_count == 0) {
        far_end_opened(port);
    }
}

/* Without waiting: has the far end been opened or closed? */
static void look(struct serial_port *port)
{
    if (port->unplugged) {
        return;
    }
    if (port->tty != NULL) { /* tells the opening by itself */
        serial_tty_look(port->tty);
    }
    pthread_mutex_lock(&port->lock);
    if (port->kind == SERIAL_PORT_TCP) {
        accept_client(port);
    } else if (port->kind == SERIAL_PORT_PTY) {
        look_at_pty(port);
    }
    if (port->open_count > 0) {
        read_settings(port);
    }
    pthread_mutex_unlock(&port->lock);
}

/* A closed pseudo-terminal always polls as hung up, so its opening is looked for now and then. */
static const uint64_t look_interval_ns = 1000000;

void serial_port_wait(struct serial_port *port, uint64_t timeout_ns)
{
    look(port);
    struct pollfd p[2] = {{.fd = port->wake[0], .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    const bool open = serial_port_is_open(port);
    if (port->kind == SERIAL_PORT_TCP) {
        p[1].fd = port->master >= 0 ? port->master : port->listener;
    } else if (open) {
        p[1].fd = port->master;
    } else if (port->kind == SERIAL_PORT_PTY && timeout_ns > look_interval_ns) {
        timeout_ns = look_interval_ns;
    }
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                                     .tv_nsec = (long)(timeout_ns % 1000000000)};
    if (ppoll(p, 2, &timeout, NULL) > 0 && (p[0].revents & POLLIN) != 0) {
        char bytes[64];
        while (read(port->wake[0], bytes, sizeof bytes) > 0) {
        }
    }
    look(port);
}

void serial_port_wake(struct serial_port *port)
{
    (void)!write(port->wake[1], "", 1); /* full: a wake is under way already */
}

static void hang_up_tcp(struct serial_port *port)
{
    pthread_mutex_lock(&port->lock);
    far_end_closed(port);
    pthread_mutex_unlock(&port->lock);
    close(port->master);
    port->master = -1;
}

/* As if somebody pulled the plug. */
static void unplug(struct serial_port *port)
{
    pthread_mutex_lock(&port->lock);
    port->unplugged = true;
    port->open_count = 0;
    pthread_mutex_unlock(&port->lock);
    if (port->tty != NULL) {
        serial_tty_unplug(port->tty);
        return;
    }
    if (port->folder[0] != '\0') {
        unlink(port->name);
    }
    close_if_open(port->master);
    close_if_open(port->listener);
    port->master = port->listener = -1;
}

/* What the faults leave of `size` bytes that came in. */
static size_t spoil_input(struct serial_port *port, uint8_t *data, size_t size)
{
    const struct serial_port_faults *f = &port->faults;
    const uint64_t before = port->bytes_in;
    port->bytes_in += size;
    if (f->lose_in > before && f->lose_in <= port->bytes_in) {
        const size_t lost = (size_t)(f->lose_in - before - 1);
        memmove(data + lost, data + lost + 1, size - lost - 1);
        size--;
    }
    if (f->unplug_after != 0 && port->bytes_in >= f->unplug_after) {
        unplug(port);
        return 0;
    }
    return size;
}

size_t serial_port_read(struct serial_port *port, uint8_t *data, size_t size)
{
    look(port);
    if (port->master < 0 || port->unplugged) {
        return 0;
    }
    const ssize_t count = read(port->master, data, size);
    if (port->kind == SERIAL_PORT_TCP) { /* else each small write of a client waits 40 ms */
        (void)setsockopt(port->master, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
    }
    if (count == 0 && port->kind == SERIAL_PORT_TCP) {
        hang_up_tcp(port);
    }
    return count > 0 ? spoil_input(port, data, (size_t)count) : 0;
}

static void send_all(struct serial_port *port, const uint8_t *data, size_t size)
{
    for (int patience = 0; size > 0 && serial_port_is_open(port) && patience < 200;) {
        const ssize_t count = write(port->master, data, size);
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        } else if (count < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = port->master, .events = POLLOUT};
            patience += poll(&p, 1, 10) == 0;
            look(port);
        } else {
            return;
        }
    }
}

void serial_port_write(struct serial_port *port, const uint8_t *data, size_t size)
{
    const struct serial_port_faults *f = &port->faults;
    if (f->mute_after != 0 && port->bytes_in >= f->mute_after) {
        return;
    }
    if (f->lose_out == 0 && f->noise_out == 0) {
        send_all(port, data, size);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        port->bytes_out++;
        if (port->bytes_out != f->lose_out) {
            send_all(port, &data[i], 1);
        }
        if (port->bytes_out == f->noise_out) {
            send_all(port, (const uint8_t[]){0xa5}, 1);
        }
    }
}

void serial_port_set_faults(struct serial_port *port, const struct serial_port_faults *faults)
{
    port->faults = *faults;
}

bool serial_port_is_open(struct serial_port *port)
{
    pthread_mutex_lock(&port->lock);
    const bool open = port->open_count > 0 && !port->unplugged;
    pthread_mutex_unlock(&port->lock);
    return open;
}

uint32_t serial_port_baud(struct serial_port *port)
{
    pthread_mutex_lock(&port->lock);
    const uint32_t baud = port->baud;
    pthread_mutex_unlock(&port->lock);
    return baud;
}

struct serial_port_lines serial_port_lines(struct serial_port *port)
{
    look(port);
    pthread_mutex_lock(&port->lock);
    struct serial_port_lines lines = port->lines;
    pthread_mutex_unlock(&port->lock);
    if (port->tty != NULL) {
        lines.low_latency = serial_tty_low_latency(port->tty, &lines.low_latency_asked);
    }
    return lines;
}
