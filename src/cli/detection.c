/* What `ispflash detect` finds, as text and as JSON. */
#include "detection.h"

#include <inttypes.h>
#include <string.h>

#include "fuse_text.h"
#include "ispflash/session.h"
#include "json_sink.h"

/* --- text ----------------------------------------------------------------------------------- */

/* "ATmega328P (m328p)" */
static void put_part(FILE *out, const struct part *part)
{
    (void)fprintf(out, "%s (%s)", part->name, part->alias_count > 0 ? part->aliases[0] : part->id);
}

static void put_parts(FILE *out, const struct detection *d)
{
    put_part(out, d->candidates[0]);
    for (size_t i = 1; i < d->candidate_count; i++) {
        (void)fprintf(out, i == 1 ? ", or of the same signature: " : ", ");
        put_part(out, d->candidates[i]);
    }
    (void)fputc('\n', out);
}

static const char *lock_text(enum lock_state lock)
{
    switch (lock) {
    case LOCK_UNKNOWN:
        break;
    case LOCK_OPEN:
        return "open";
    case LOCK_NO_WRITE:
        return "writing is forbidden; only a chip erase lifts that";
    case LOCK_NO_READ:
        return "reading and writing are forbidden; only a chip erase lifts that";
    }
    return "cannot be read";
}

static void put_clock(FILE *out, const struct detection *d)
{
    char source[64];
    if (d->clock_known) {
        session_clock_text(&d->clock, source, sizeof source);
        (void)fprintf(out, "clock      %s by its fuses, from %s\n", source,
                      d->clock.internal ? "an oscillator of its own" : "outside");
    }
    if (d->sck_hz != 0)
        (void)fprintf(out, "SCK        %.6g kHz\n", d->sck_hz / 1000.0);
}

static void put_content(FILE *out, const struct detection *d, enum memory_kind kind,
                        enum content content)
{
    const struct memory *m = part_memory(d->part, kind);
    static const char *const texts[] = {[CONTENT_ABSENT] = "cannot be read",
                                        [CONTENT_LOCKED] = "hidden by the lock bits",
                                        [CONTENT_BLANK] = "blank",
                                        [CONTENT_BOOT_ONLY] = "blank below the boot section",
                                        [CONTENT_HOLDS] = "holds something"};
    if (m != NULL)
        (void)fprintf(out, "%-10s %" PRIu32 " bytes, %s\n", m->name, m->size, texts[content]);
}

static void put_loader_ids(FILE *out, const struct boot_finding *b)
{
    for (size_t i = 0; i < b->loader_count; i++)
        (void)fprintf(out, "%s%s", i == 0 ? "           as burn knows it: " : ", ",
                      b->loaders[i]->id);
    if (b->loader_count > 0)
        (void)fputc('\n', out);
}

static void put_boot(FILE *out, const struct boot_finding *b)
{
    if (!b->section && b->image == NULL)
        return;
    (void)fprintf(out, "boot       0x%04" PRIx32 " to 0x%04" PRIx32 ": ", b->begin, b->end - 1);
    if (!b->held) {
        (void)fprintf(out, "blank\n");
        return;
    }
    if (b->image != NULL)
        (void)fprintf(out, "%s", b->image->what);
    else if (b->loader_count > 0)
        (void)fprintf(out, "probably %s, by its USB id", b->loaders[0]->name);
    else
        (void)fprintf(out, "no boot loader that is known");
    if (b->has_usb)
        (void)fprintf(out, "; USB %04x:%04x", b->usb_vendor, b->usb_product);
    (void)fputc('\n', out);
    if (b->image == NULL)
        (void)fprintf(out,
                      "           %" PRIu32 " bytes from 0x%04" PRIx32 ", CRC-32 %08" PRIx32 "\n",
                      b->size, b->first, b->crc32);
    put_loader_ids(out, b);
}

void detection_text(FILE *out, const struct detection *d)
{
    put_parts(out, d);
    char signature[PART_SIGNATURE_TEXT];
    (void)fprintf(out, "%-10s %s\n", part_signature_name(d->part->family),
                  part_signature_text(d->part->family, d->signature, signature));
    for (size_t i = 0; i < d->told_count; i++)
        (void)fprintf(out, "%-10s %s\n", d->told[i].name, d->told[i].text);
    put_clock(out, d);
    if (part_memory(d->part, MEMORY_LOCK) != NULL)
        (void)fprintf(out, "lock       %s\n", lock_text(d->lock));
    put_content(out, d, MEMORY_FLASH, d->flash);
    put_boot(out, &d->boot);
    put_content(out, d, MEMORY_EEPROM, d->eeprom);
    fuse_text_set(out, &d->bytes);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static const char *content_name(enum content content)
{
    static const char *const names[] = {[CONTENT_ABSENT] = "unreadable",
                                        [CONTENT_LOCKED] = "locked",
                                        [CONTENT_BLANK] = "blank",
                                        [CONTENT_BOOT_ONLY] = "boot-only",
                                        [CONTENT_HOLDS] = "holds"};
    return names[content];
}

static json_t *clock_object(const struct detection *d)
{
    if (!d->clock_known)
        return json_null();
    json_t *o = json_object();
    set(o, "min_hz", json_integer(d->clock.min_hz));
    set(o, "max_hz", json_integer(d->clock.max_hz));
    set(o, "internal", json_boolean(d->clock.internal));
    return o;
}

static json_t *boot_object(const struct boot_finding *b)
{
    if (!b->section && b->image == NULL)
        return json_null();
    json_t *o = json_object(), *loaders = json_array();
    char usb[10], crc[9];
    (void)snprintf(usb, sizeof usb, "%04x:%04x", b->usb_vendor, b->usb_product);
    (void)snprintf(crc, sizeof crc, "%08" PRIx32, b->crc32);
    for (size_t i = 0; i < b->loader_count; i++)
        (void)json_array_append_new(loaders, json_text(b->loaders[i]->id));
    set(o, "begin", json_integer(b->begin));
    set(o, "end", json_integer(b->end - 1));
    set(o, "blank", json_boolean(!b->held));
    set(o, "first", b->held ? json_integer(b->first) : json_null());
    set(o, "size", json_integer(b->size));
    set(o, "crc32", b->held ? json_text(crc) : json_null());
    set(o, "image", json_text(b->image != NULL ? b->image->id : NULL));
    set(o, "what", json_text(b->image != NULL ? b->image->what : NULL));
    set(o, "usb", b->has_usb ? json_text(usb) : json_null());
    set(o, "loaders", loaders);
    return o;
}

void detection_json(FILE *out, const struct detection *d)
{
    static const char *const locks[] = {[LOCK_UNKNOWN] = "unknown",
                                        [LOCK_OPEN] = "open",
                                        [LOCK_NO_WRITE] = "no-write",
                                        [LOCK_NO_READ] = "no-read"};
    json_t *o = json_begin("detection"), *candidates = json_array(), *told = json_object();
    for (size_t i = 0; i < d->told_count; i++)
        set(told, d->told[i].name, json_text(d->told[i].text));
    for (size_t i = 0; i < d->candidate_count; i++)
        (void)json_array_append_new(candidates, json_text(d->candidates[i]->name));
    set(o, "part", json_text(d->part->name));
    set(o, "candidates", candidates);
    set(o, "signature", json_bytes(d->signature, sizeof d->signature));
    set(o, "told", told);
    set(o, "clock", clock_object(d));
    set(o, "sck_hz", d->sck_hz != 0 ? json_integer(d->sck_hz) : json_null());
    set(o, "lock", json_text(locks[d->lock]));
    set(o, "flash", json_text(content_name(d->flash)));
    set(o, "eeprom", json_text(content_name(d->eeprom)));
    set(o, "boot", boot_object(&d->boot));
    json_line(out, o);
}
