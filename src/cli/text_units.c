/* Durations, speeds and labels as the text sink writes them. */
#include "text_units.h"

#include "ispflash/part.h"

enum { MEASURABLE_US = 1000 };

const char *text_duration(uint64_t us, char *out)
{
    const double seconds = (double)us / 1e6;
    if (seconds < 9.995)
        (void)snprintf(out, TEXT_UNIT_SIZE, "%.2f s", seconds);
    else if (seconds < 59.95)
        (void)snprintf(out, TEXT_UNIT_SIZE, "%.1f s", seconds);
    else {
        const unsigned long whole = (unsigned long)(seconds + 0.5);
        (void)snprintf(out, TEXT_UNIT_SIZE, "%lu min %02lu s", whole / 60, whole % 60);
    }
    return out;
}

const char *text_rate(uint32_t bytes, uint64_t us, char *out)
{
    const double rate = us >= MEASURABLE_US ? (double)bytes * 1e6 / (double)us : 0;
    if (us < MEASURABLE_US)
        out[0] = '\0';
    else if (rate < 999.5)
        (void)snprintf(out, TEXT_UNIT_SIZE, "%.0f B/s", rate);
    else
        (void)snprintf(out, TEXT_UNIT_SIZE, "%.1f kB/s", rate / 1000);
    return out;
}

static const char *step_verb(enum step step)
{
    switch (step) {
    case STEP_OPEN:
        return "Opening";
    case STEP_ENTER:
        return "Entering";
    case STEP_IDENTIFY:
        return "Identifying";
    case STEP_ERASE:
        return "Erasing";
    case STEP_READ:
        return "Reading";
    case STEP_WRITE:
        return "Writing";
    case STEP_VERIFY:
        return "Verifying";
    case STEP_LEAVE:
        return "Leaving";
    }
    return "Working";
}

static const char *step_object(enum step step)
{
    switch (step) {
    case STEP_OPEN:
        return "the programmer";
    case STEP_ENTER:
    case STEP_LEAVE:
        return "programming mode";
    case STEP_IDENTIFY:
    case STEP_ERASE:
    case STEP_READ:
    case STEP_WRITE:
    case STEP_VERIFY:
        break;
    }
    return "the chip";
}

const char *text_step(enum step step, const struct memory *memory, char *out)
{
    (void)snprintf(out, TEXT_UNIT_SIZE, "%s %s", step_verb(step),
                   memory != NULL ? memory->name : step_object(step));
    return out;
}

void text_put(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        (void)fputc(c < 0x20 || c == 0x7f ? '?' : c, stream);
    }
}
