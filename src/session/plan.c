/* From the operations as given to the steps as they are done. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/target.h"

struct planner {
    const struct plan_request *request;
    struct context *context;
    struct plan *plan;
    size_t erase_at;     /* the item before whose stretch the implied erase belongs; count: none */
    struct image *flash; /* what flash holds at this point of the plan; NULL: not known */
};

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory");
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        image_free(plan->steps[i].merged);
    free(plan->steps);
    *plan = (struct plan){0};
}

/* Where both have bytes, those of `image` count. */
static enum status put_over(struct image *into, const struct image *image, struct error *e)
{
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        for (uint32_t i = 0; i < extent.size; i++)
            if (image_get(into, extent.address + i, NULL))
                TRY(image_put(into, extent.address + i, &extent.data[i], 1, IMAGE_OVERLAP_REPLACE,
                              NULL, e));
    return STATUS_OK;
}

enum status plan_replace(const struct plan *plan, const struct plan_item *item,
                         const struct image *image, struct error *e)
{
    TRY(put_over(item->image, image, e));
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].memory == item->memory && plan->steps[i].merged != NULL)
            TRY(put_over(plan->steps[i].merged, image, e));
    return STATUS_OK;
}

bool plan_changes_chip(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].kind == PLAN_ERASE || plan->steps[i].kind == PLAN_WRITE)
            return true;
    return false;
}

static bool in_order(const struct planner *p)
{
    return (p->request->flags & JOB_IN_ORDER) != 0;
}

static bool is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

static const char *item_name(const struct plan_item *item)
{
    const struct source *source = item->operation->source;
    return source != NULL && source->name != NULL ? source->name : item->memory->name;
}

/* --- steps ---------------------------------------------------------------------------------- */

/* Takes `step.merged` over, also when it fails. */
static enum status add(struct planner *p, struct plan_step step, struct error *e)
{
    struct plan *plan = p->plan;
    if (plan->count == plan->capacity) {
        const size_t capacity = plan->capacity > 0 ? 2 * plan->capacity : 16;
        struct plan_step *steps = realloc(plan->steps, capacity * sizeof *steps);
        if (steps == NULL) {
            image_free(step.merged);
            return no_memory(e);
        }
        plan->steps = steps;
        plan->capacity = capacity;
    }
    plan->steps[plan->count++] = step;
    return STATUS_OK;
}

static enum status add_erase(struct planner *p, const struct operation *operation, struct error *e)
{
    image_free(p->flash);
    p->flash = image_new(); /* blank: bytes it does not hold are 0xff */
    if (p->flash == NULL)
        return no_memory(e);
    return add(p, (struct plan_step){.kind = PLAN_ERASE, .operation = operation}, e);
}

/* What flash holds behind them is not foreseen. */
static enum status add_commands(struct planner *p, const struct operation *operation,
                                struct error *e)
{
    image_free(p->flash);
    p->flash = NULL;
    return add(p, (struct plan_step){.kind = PLAN_COMMANDS, .operation = operation}, e);
}

/* An image that goes over what this job wrote before it, without an erase between. */
static enum status check_over(struct planner *p, const struct plan_step *step, struct error *e)
{
    struct extent extent;
    if (step->memory->kind != MEMORY_FLASH || p->flash == NULL || step->image == NULL ||
        (p->request->traits & TARGET_ERASES_PAGES) != 0)
        return STATUS_OK;
    for (uint64_t at = 0; image_next(step->image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        for (uint32_t i = 0; i < extent.size; i++) {
            uint8_t held;
            if (!image_get(p->flash, extent.address + i, &held) || (extent.data[i] & ~held) == 0)
                continue;
            (void)error_set(
                e, STATUS_INPUT,
                "%s wants 0x%02x at 0x%04lx of %s, where this command has written 0x%02x "
                "before: only an erase between the two could do that",
                step->operation->source->name, extent.data[i], (unsigned long)(extent.address + i),
                step->memory->name, held);
            error_hint(e, "merge the files first, or use two commands");
            return STATUS_INPUT;
        }
        TRY(image_put(p->flash, extent.address, extent.data, extent.size, IMAGE_OVERLAP_REPLACE,
                      NULL, e));
    }
    return STATUS_OK;
}

static enum status add_write(struct planner *p, struct plan_step step, struct error *e)
{
    const bool verify = (p->request->flags & (JOB_NO_VERIFY | JOB_NO_WRITE)) == 0;
    const enum status status = check_over(p, &step, e);
    if (status != STATUS_OK) {
        image_free(step.merged);
        return status;
    }
    TRY(add(p, step, e));
    if (!verify)
        return STATUS_OK;
    return add(p,
               (struct plan_step){.kind = PLAN_VERIFY,
                                  .memory = step.memory,
                                  .operation = step.operation,
                                  .image = step.image,
                                  .own = true},
               e);
}

static enum status add_item(struct planner *p, const struct plan_item *item, struct error *e)
{
    struct plan_step step = {
        .memory = item->memory, .operation = item->operation, .image = item->image};
    switch (item->operation->kind) {
    case OPERATION_ERASE:
        return add_erase(p, item->operation, e);
    case OPERATION_READ:
        step.kind = PLAN_READ;
        return add(p, step, e);
    case OPERATION_VERIFY:
        step.kind = PLAN_VERIFY;
        return add(p, step, e);
    case OPERATION_WRITE:
        step.kind = PLAN_WRITE;
        return add_write(p, step, e);
    case OPERATION_COMMANDS:
        return add_commands(p, item->operation, e);
    }
    return error_set(e, STATUS_INTERNAL, "unknown kind of operation");
}

/* --- one memory's writes within a stretch --------------------------------------------------- */

static bool belongs(const struct plan_item *item, const struct memory *m)
{
    return item->memory == m;
}

/* Of several values for one byte the last counts. */
static enum status add_last_byte(struct planner *p, const struct memory *m, size_t begin,
                                 size_t end, struct error *e)
{
    const struct plan_item *last = NULL;
    for (size_t i = begin; i < end; i++) {
        const struct plan_item *item = &p->request->items[i];
        if (!belongs(item, m))
            continue;
        if (last != NULL)
            context_log(p->context, LOG_NOTE, "%s is given more than once, the last value counts",
                        m->name);
        last = item;
    }
    return last != NULL ? add_item(p, last, e) : STATUS_OK;
}

static enum status merge_error(const struct plan_item *item, const struct image *merged,
                               struct error *e)
{
    struct extent extent;
    for (uint64_t at = 0; image_next(item->image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        for (uint32_t i = 0; i < extent.size; i++) {
            uint8_t before;
            if (!image_get(merged, extent.address + i, &before) || before == extent.data[i])
                continue;
            (void)error_set(e, STATUS_INPUT,
                            "%s wants 0x%02x at 0x%04lx of %s, where an earlier file of this "
                            "command wants 0x%02x",
                            item_name(item), extent.data[i], (unsigned long)(extent.address + i),
                            item->memory->name, before);
            return STATUS_INPUT;
        }
    }
    return STATUS_OK;
}

static enum status merge_into(struct planner *p, const struct memory *m, size_t begin, size_t end,
                              struct image *merged, struct error *e)
{
    for (size_t i = begin; i < end; i++) {
        const struct plan_item *item = &p->request->items[i];
        if (!belongs(item, m))
            continue;
        TRY(merge_error(item, merged, e));
        TRY(image_merge(merged, item->image, e));
    }
    return STATUS_OK;
}

static enum status add_merged(struct planner *p, const struct memory *m, size_t begin, size_t end,
                              const struct operation *first, struct error *e)
{
    struct image *merged = image_new();
    if (merged == NULL)
        return no_memory(e);
    const enum status status = merge_into(p, m, begin, end, merged, e);
    if (status != STATUS_OK) {
        image_free(merged);
        return status;
    }
    context_log(p->context, LOG_NOTE, "%s: several files are written in one pass", m->name);
    return add_write(
        p,
        (struct plan_step){
            .kind = PLAN_WRITE, .memory = m, .operation = first, .image = merged, .merged = merged},
        e);
}

static enum status add_memory(struct planner *p, const struct memory *m, size_t begin, size_t end,
                              struct error *e)
{
    size_t count = 0, later = 0;
    const struct plan_item *first = NULL;
    for (size_t i = begin; i < end; i++) {
        const struct plan_item *item = &p->request->items[i];
        if (!belongs(item, m))
            continue;
        first = first == NULL ? item : first;
        count++;
        later += item->image == NULL;
    }
    if (count > 1 && is_byte(m))
        return add_last_byte(p, m, begin, end, e);
    if (count > 1 && later == 0)
        return add_merged(p, m, begin, end, first->operation, e);
    for (size_t i = begin; i < end; i++)
        if (belongs(&p->request->items[i], m))
            TRY(add_item(p, &p->request->items[i], e));
    return STATUS_OK;
}

/* --- a stretch of writes -------------------------------------------------------------------- */

/* Fuses late, the clock after the others, and lock bits last: after them less is possible. */
static int rank(const struct planner *p, const struct memory *m)
{
    switch (m->kind) {
    case MEMORY_FLASH:
        return 0;
    case MEMORY_EEPROM:
        return 1;
    case MEMORY_USERSIG:
    case MEMORY_CALIBRATION:
    case MEMORY_SIGNATURE:
    case MEMORY_UID:
        return 2;
    case MEMORY_FUSE:
        return p->request->part != NULL && part_sets_clock(p->request->part, m) ? 4 : 3;
    case MEMORY_LOCK:
        return 5;
    }
    return 6;
}

/* True if `a` is to be written before `b`. Memories of a rank keep the part's order. */
static bool comes_before(const struct planner *p, const struct memory *a, const struct memory *b)
{
    return rank(p, a) != rank(p, b) ? rank(p, a) < rank(p, b) : a < b;
}

/* The memory that is next after `last` (NULL: first) among those written in the stretch. */
static const struct memory *next_memory(const struct planner *p, size_t begin, size_t end,
                                        const struct memory *last)
{
    const struct memory *next = NULL;
    for (size_t i = begin; i < end; i++) {
        const struct memory *m = p->request->items[i].memory;
        if ((last == NULL || comes_before(p, last, m)) &&
            (next == NULL || comes_before(p, m, next)))
            next = m;
    }
    return next;
}

static void note_order(const struct planner *p, size_t begin, size_t end)
{
    bool moved = false;
    char order[128] = "";
    size_t used = 0;
    for (size_t i = begin + 1; i < end; i++)
        moved =
            moved || comes_before(p, p->request->items[i].memory, p->request->items[i - 1].memory);
    if (!moved)
        return;
    for (const struct memory *m = next_memory(p, begin, end, NULL);
         m != NULL && used < sizeof order; m = next_memory(p, begin, end, m))
        used += (size_t)snprintf(order + used, sizeof order - used, "%s%s", used > 0 ? ", " : "",
                                 m->name);
    context_log(p->context, LOG_NOTE, "written in the order %s (--in-order keeps yours)", order);
}

static enum status add_stretch(struct planner *p, size_t begin, size_t end, struct error *e)
{
    if (p->erase_at >= begin && p->erase_at < end)
        TRY(add_erase(p, NULL, e));
    note_order(p, begin, end);
    for (const struct memory *m = next_memory(p, begin, end, NULL); m != NULL;
         m = next_memory(p, begin, end, m))
        TRY(add_memory(p, m, begin, end, e));
    return STATUS_OK;
}

static enum status add_one_in_order(struct planner *p, size_t at, struct error *e)
{
    if (p->erase_at == at)
        TRY(add_erase(p, NULL, e));
    return add_item(p, &p->request->items[at], e);
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool is_write(const struct plan_item *item)
{
    return item->operation->kind == OPERATION_WRITE;
}

/* The first flash write, if it implies an erase; else count. */
static size_t find_implied_erase(const struct plan_request *r)
{
    if ((r->flags & (JOB_ERASE | JOB_NO_ERASE | JOB_NO_WRITE)) != 0 ||
        (r->traits & TARGET_CHIP_ERASE) == 0 || (r->traits & TARGET_ERASES_PAGES) != 0)
        return r->count;
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].operation->kind == OPERATION_ERASE ||
            r->items[i].operation->kind == OPERATION_COMMANDS)
            return r->count;
        if (is_write(&r->items[i]) && r->items[i].memory->kind == MEMORY_FLASH)
            return i;
    }
    return r->count;
}

/* The flash write that would imply an erase if commands did not come before it. */
static void note_no_erase(const struct plan_request *r, struct context *c)
{
    bool commands = false;
    if ((r->flags & (JOB_ERASE | JOB_NO_ERASE | JOB_NO_WRITE)) != 0 ||
        (r->traits & TARGET_CHIP_ERASE) == 0 || find_implied_erase(r) < r->count)
        return;
    for (size_t i = 0; i < r->count; i++) {
        const struct plan_item *item = &r->items[i];
        commands = commands || item->operation->kind == OPERATION_COMMANDS;
        if (!commands || !is_write(item) || item->memory->kind != MEMORY_FLASH)
            continue;
        context_log(c, LOG_NOTE,
                    "flash is written behind -T or -t without an erase: what they leave in it "
                    "stays (-e erases the chip at the very start)");
        return;
    }
}

static void warn_read_after_erase(const struct planner *p)
{
    for (size_t i = 0; i < p->request->count; i++) {
        const struct plan_item *item = &p->request->items[i];
        if (item->operation->kind != OPERATION_READ || rank(p, item->memory) > 1)
            continue;
        context_log(p->context, LOG_WARNING,
                    "%s is read after the erase: -e comes first, wherever it stands",
                    item->memory->name);
        return;
    }
}

static enum status make(struct planner *p, struct error *e)
{
    const struct plan_request *r = p->request;
    if ((r->flags & JOB_ERASE) != 0 && (r->flags & JOB_NO_WRITE) == 0) {
        warn_read_after_erase(p);
        TRY(add_erase(p, NULL, e));
    }
    for (size_t i = 0; i < r->count;) {
        size_t end = i + 1;
        if (!is_write(&r->items[i])) {
            if (r->items[i].operation->kind != OPERATION_ERASE || (r->flags & JOB_NO_WRITE) == 0)
                TRY(add_item(p, &r->items[i], e));
        } else if (in_order(p)) {
            TRY(add_one_in_order(p, i, e));
        } else {
            while (end < r->count && is_write(&r->items[end]))
                end++;
            TRY(add_stretch(p, i, end, e));
        }
        i = end;
    }
    return STATUS_OK;
}

/* --- fuses go to the end -------------------------------------------------------------------- */

/* True if operation `b` would see whether fuse write `a` stands before or behind it: it looks at
 * the same byte, erases (EESAVE counts at once), or locks the fuses before the stretch is over. */
static bool sees(const struct plan_request *r, const struct plan_item *a, size_t b)
{
    const struct plan_item *item = &r->items[b];
    if (item->operation->kind == OPERATION_ERASE || item->operation->kind == OPERATION_COMMANDS ||
        (item->memory == a->memory && !is_write(item)))
        return true;
    if (item->memory->kind != MEMORY_LOCK || !is_write(item))
        return false;
    for (size_t i = b + 1; i < r->count; i++)
        if (!is_write(&r->items[i]))
            return true;
    return false;
}

/* A barrier lies behind the fuse write, and nothing from there on sees it. */
static bool goes_last(const struct plan_request *r, size_t at)
{
    const struct plan_item *item = &r->items[at];
    bool barrier = false;
    if (!is_write(item) || item->memory->kind != MEMORY_FUSE || item->image == NULL)
        return false;
    for (size_t i = at + 1; i < r->count; i++) {
        if (sees(r, item, i))
            return false;
        barrier = barrier || !is_write(&r->items[i]);
    }
    return barrier;
}

static size_t move_fuses(const struct plan_request *r, struct plan_item *items, bool last,
                         size_t used, struct context *c)
{
    for (size_t i = 0; i < r->count; i++) {
        if (goes_last(r, i) != last)
            continue;
        if (last)
            context_log(c, LOG_NOTE, "%s is written at the end of the job (--in-order keeps yours)",
                        r->items[i].memory->name);
        items[used++] = r->items[i];
    }
    return used;
}

static enum status make_moved(struct planner *p, struct error *e)
{
    const struct plan_request *given = p->request;
    struct plan_request moved = *given;
    struct plan_item *items = calloc(given->count + 1, sizeof *items);
    if (items == NULL)
        return no_memory(e);
    (void)move_fuses(given, items, true, move_fuses(given, items, false, 0, p->context),
                     p->context);
    moved.items = items;
    p->request = &moved;
    p->erase_at = find_implied_erase(&moved);
    const enum status status = make(p, e);
    p->request = given;
    free(items);
    return status;
}

enum status plan_make(const struct plan_request *request, struct context *c, struct plan *plan,
                      struct error *e)
{
    struct planner p = {.request = request, .context = c, .plan = plan};
    *plan = (struct plan){0};
    p.erase_at = find_implied_erase(request);
    note_no_erase(request, c);
    const enum status status = in_order(&p) ? make(&p, e) : make_moved(&p, e);
    image_free(p.flash);
    if (status != STATUS_OK)
        plan_free(plan);
    return status;
}
