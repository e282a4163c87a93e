/* talk PORT SCRIPT: says bytes to a serial port and checks what comes back, to compare models with
 * the real firmware. Lines of a script:
 *   # comment             also behind a line
 *   baud 19200
 *   > 30 20               send; "x41*128" repeats a byte; "'F'" is a character
 *   < 14 'A' 'V' .. 10    these bytes come next, each within 10 s; ".." is any byte
 *   quiet 200             nothing comes for so many milliseconds
 *   wait 20               milliseconds pass */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_MAX = 4096, ANY = 0x100 };

struct talk {
    int fd;
    const char *script;
    unsigned line;
};

static bool fail(const struct talk *t, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", t->script, t->line, what);
    return false;
}

/* Appends one word's bytes to `bytes`. */
static bool read_word(const char *word, uint16_t *bytes, size_t *count)
{
    unsigned value;
    unsigned repeat = 1;
    char character;
    if (strcmp(word, "..") == 0) {
        value = ANY;
    } else if (sscanf(word, "'%c'", &character) == 1) {
        value = (uint8_t)character;
    } else if (sscanf(word, "x%2x*%u", &value, &repeat) != 2 && sscanf(word, "%2x", &value) != 1) {
        return false;
    }
    while (repeat-- > 0 && *count < BYTES_MAX) {
        bytes[(*count)++] = (uint16_t)value;
    }
    return true;
}

static bool read_bytes(const struct talk *t, char *text, uint16_t *bytes, size_t *count)
{
    *count = 0;
    char *rest = text;
    for (char *word; (word = strtok_r(rest, " \n", &rest)) != NULL;) {
        if (!read_word(word, bytes, count)) {
            return fail(t, "not a byte");
        }
    }
    return true;
}

/* One byte, or -1 after `timeout_ms`. */
static int receive(const struct talk *t, int timeout_ms)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    uint8_t byte;
    if (poll(&p, 1, timeout_ms) == 1 && read(t->fd, &byte, 1) == 1) {
        return byte;
    }
    return -1;
}

static bool send_bytes(const struct talk *t, const uint16_t *bytes, size_t count)
{
    uint8_t data[BYTES_MAX];
    for (size_t i = 0; i < count; i++) {
        data[i] = (uint8_t)bytes[i];
    }
    return write(t->fd, data, count) == (ssize_t)count || fail(t, strerror(errno));
}

static bool expect_bytes(const struct talk *t, const uint16_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int got = receive(t, 10000);
        if (got < 0 || (bytes[i] != ANY && got != bytes[i])) {
            char text[80];
            snprintf(text, sizeof text, "byte %zu: wanted %02x, got %s%02x", i + 1, bytes[i],
                     got < 0 ? "nothing " : "", got < 0 ? 0u : (unsigned)got);
            return fail(t, text);
        }
    }
    return true;
}

static bool expect_silence(const struct talk *t, int ms)
{
    const int got = receive(t, ms);
    char text[40];
    snprintf(text, sizeof text, "silence wanted, got %02x", (unsigned)got);
    return got < 0 || fail(t, text);
}

static bool set_baud(const struct talk *t, long baud)
{
    struct termios settings;
    if (tcgetattr(t->fd, &settings) != 0) {
        return fail(t, strerror(errno));
    }
    cfmakeraw(&settings);
    cfsetspeed(&settings, baud == 115200 ? B115200 : B19200);
    return tcsetattr(t->fd, TCSANOW, &settings) == 0 || fail(t, strerror(errno));
}

static bool run_line(const struct talk *t, char *line)
{
    uint16_t bytes[BYTES_MAX];
    size_t count;
    line[strcspn(line, "#\n")] = '\0';
    if (strncmp(line, "baud ", 5) == 0) {
        return set_baud(t, strtol(line + 5, NULL, 10));
    }
    if (strncmp(line, "quiet ", 6) == 0) {
        return expect_silence(t, (int)strtol(line + 6, NULL, 10));
    }
    if (strncmp(line, "wait ", 5) == 0) {
        const long ms = strtol(line + 5, NULL, 10);
        nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
        return true;
    }
    if (line[0] == '>' || line[0] == '<') {
        return read_bytes(t, line + 1, bytes, &count) &&
               (line[0] == '>' ? send_bytes(t, bytes, count) : expect_bytes(t, bytes, count));
    }
    return line[strspn(line, " ")] == '\0' || fail(t, "not understood");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: talk PORT SCRIPT\n");
        return 2;
    }
    struct talk t = {.fd = open(argv[1], O_RDWR | O_NOCTTY), .script = argv[2]};
    FILE *script = fopen(argv[2], "r");
    if (t.fd < 0 || script == NULL) {
        perror(t.fd < 0 ? argv[1] : argv[2]);
        return 1;
    }
    char line[1024];
    bool good = true;
    while (good && fgets(line, sizeof line, script) != NULL) {
        t.line++;
        good = run_line(&t, line);
    }
    fclose(script);
    close(t.fd);
    return good ? 0 : 1;
}
