/* What was proven to be in the chip: bytes that were read back and found as wanted, since they were
 * last written. */
#include "session_private.h"

enum status session_count_proven(struct session *s, const struct memory *m,
                                 const struct image *image, struct error *e)
{
    struct memory_report *report = &s->report.memories[session_index(s, m)];
    struct extent extent;
    report->verified += image_bytes(image);
    if (memory_is_byte(m))
        return STATUS_OK;
    if (report->proven == NULL)
        report->proven = image_new();
    if (report->proven == NULL)
        return session_no_memory(e);
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        TRY(image_put(report->proven, extent.address, extent.data, extent.size,
                      IMAGE_OVERLAP_REPLACE, NULL, e));
    return STATUS_OK;
}

void session_forget_proven(struct session *s, const struct memory *m)
{
    struct memory_report *report = &s->report.memories[session_index(s, m)];
    image_free(report->proven);
    report->proven = NULL;
}

void session_doubt_proven(struct session *s, const struct memory *m, const struct image *image)
{
    const struct image *proven = s->report.memories[session_index(s, m)].proven;
    struct extent extent;
    for (uint64_t at = 0; proven != NULL && image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        for (uint32_t i = 0; i < extent.size; i++) {
            uint8_t held;
            if (!image_get(proven, extent.address + i, &held) || held == extent.data[i])
                continue;
            session_forget_proven(s, m);
            return;
        }
    }
}
