/* The Bus Pirate's terminal: its prompt, the menu of modes, the menu of rates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/buspirate_private.h"

enum { BELL = 7, LINE_MAX = 64, ZEROS_FOR_BINARY = 20 };

/* "(9)>": digits, an empty line takes the default, anything else rings the bell. */
static bool ask_number(struct buspirate_model *m, unsigned usual, unsigned least, unsigned most,
                       unsigned *number)
{
    char text[24];
    unsigned value, digits;
    do {
        uint8_t byte;
        snprintf(text, sizeof text, "\r\n(%u)>", usual);
        value = digits = 0;
        if (!buspirate_put_text(m, text) || !buspirate_get(m, &byte)) {
            return false;
        }
        while (byte != '\r' && byte != '\n') {
            const bool digit = byte >= '0' && byte <= '9' && digits < 4;
            if (digit) {
                value = value * 10 + (unsigned)(byte - '0');
                digits++;
            }
            if (!buspirate_put(m, digit ? byte : BELL) || !buspirate_get(m, &byte)) {
                return false;
            }
        }
        if (!buspirate_put_text(m, "\r\n")) {
            return false;
        }
        if (digits == 0) {
            value = usual;
        } else if (value < least || value > most) {
            if (!buspirate_put_text(m, "\r\nInvalid choice, try again\r\n")) {
                return false;
            }
        }
    } while (value < least || value > most);
    *number = value;
    return true;
}

static void set_rate(struct buspirate_model *m, unsigned divisor)
{
    m->baud = 4000000 / (divisor + 1);
    if (divisor == 34) {
        m->baud = 115200;
    }
    board_set_uart(m->board, divisor == 34 ? 114286 : m->baud, 4);
    m->stats.rates++;
}

/* "b": the rate changes at once, so that the end of the message is lost; then only a space, at the
 * new rate, leads back to the prompt. */
static bool rate_menu(struct buspirate_model *m)
{
    static const unsigned divisors[] = {13332, 3332, 1666, 832, 416, 207, 103, 68, 34};
    unsigned choice, divisor;
    if (!buspirate_put_text(m, "Set serial port speed: (bps)\r\n 1. 300\r\n 2. 1200\r\n 3. 2400\r\n"
                               " 4. 4800\r\n 5. 9600\r\n 6. 19200\r\n 7. 38400\r\n 8. 57600\r\n"
                               " 9. 115200\r\n10. BRG raw value\r\n") ||
        !ask_number(m, 9, 1, 10, &choice)) {
        return false;
    }
    if (choice < 10) {
        divisor = divisors[choice - 1];
    } else if (!buspirate_put_text(m, "Enter raw value for BRG\r\n") ||
               !ask_number(m, 34, 0, 32767, &divisor)) {
        return false;
    }
    if (!buspirate_put_text(m, "Adjust your terminal\r\nSpace to con")) {
        return false;
    }
    set_rate(m, divisor);
    uint8_t byte;
    do {
        if (!buspirate_get(m, &byte)) {
            return false;
        }
    } while (byte != ' ');
    return true;
}

static bool mode_menu(struct buspirate_model *m)
{
    unsigned mode;
    return buspirate_put_text(m, "1. HiZ\r\n2. 1-WIRE\r\n3. UART\r\n4. I2C\r\n5. SPI\r\n"
                                 "6. 2WIRE\r\n7. 3WIRE\r\n8. LCD\r\nx. exit(without change)\r\n") &&
           ask_number(m, 1, 1, 8, &mode);
}

/* *reset: the device starts anew. */
static bool run_line(struct buspirate_model *m, const char *line, bool *reset)
{
    line += strspn(line, " ");
    *reset = line[0] == '#';
    switch (line[0]) {
    case '\0':
        return true;
    case '#':
        return buspirate_put_text(m, "RESET\r\n") && board_drain(m->board);
    case 'i':
        return buspirate_put_text(m, m->options.firmware->banner);
    case 'm':
        return mode_menu(m);
    case 'b':
        if (m->options.firmware->rate_menu) {
            return rate_menu(m);
        }
        break;
    default:
        break;
    }
    return buspirate_put_text(m, "Syntax error at char 1\r\n");
}

/* A line with its echo. *zeros counts on from line to line; at 20 it is bit-bang mode's turn. */
static bool read_line(struct buspirate_model *m, char *line, unsigned *zeros)
{
    size_t size = 0;
    uint8_t byte;
    line[0] = '\0';
    for (;;) {
        if (board_overrun(m->board)) { /* here it is noticed and mended */
            board_clear_overrun(m->board);
        }
        if (!buspirate_get(m, &byte)) {
            return false;
        }
        if (byte == 0) {
            if (++*zeros == ZEROS_FOR_BINARY) {
                return true;
            }
        } else if (byte == '\r' || byte == '\n') {
            return buspirate_put_text(m, "\r\n");
        } else {
            const bool printable = byte >= 0x20 && byte < 0x7f && size + 1 < LINE_MAX;
            if (printable) {
                line[size++] = (char)byte;
                line[size] = '\0';
            }
            if (!buspirate_put(m, printable ? byte : BELL)) {
                return false;
            }
        }
    }
}

bool buspirate_terminal(struct buspirate_model *m, bool menu)
{
    char line[LINE_MAX];
    unsigned zeros = 0;
    bool reset = false;
    if (menu && !mode_menu(m)) {
        return false;
    }
    for (;;) {
        m->at_prompt = true;
        if (!buspirate_put_text(m, "HiZ>") || !read_line(m, line, &zeros)) {
            return false;
        }
        m->at_prompt = false;
        if (zeros == ZEROS_FOR_BINARY) {
            return true;
        }
        if (!run_line(m, line, &reset)) {
            return false;
        }
        if (reset) {
            m->restart = true;
            return false;
        }
    }
}
