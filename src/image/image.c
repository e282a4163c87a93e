/* Sparse memory images: a sorted array of runs, with a hole of at least one byte between any two.
 * Files come mostly in order, so a run grows at either end without being copied each time. */
#include "ispflash/image.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t ADDRESS_END = (uint64_t)1 << 32;

/* Bytes [address, address + size) stand at buffer + head. */
struct run {
    uint32_t address;
    uint32_t size;
    uint8_t *buffer;
    size_t head, capacity;
};

struct image {
    struct run *runs;
    size_t count, capacity;
};

static uint64_t run_end(const struct run *run)
{
    return (uint64_t)run->address + run->size;
}

static uint8_t *run_bytes(const struct run *run)
{
    return run->buffer + run->head;
}

struct image *image_new(void)
{
    return calloc(1, sizeof(struct image));
}

void image_free(struct image *image)
{
    if (image == NULL)
        return;
    for (size_t i = 0; i < image->count; i++)
        free(image->runs[i].buffer);
    free(image->runs);
    free(image);
}

/* The first run that ends beyond `address`, or count. */
static size_t run_after(const struct image *image, uint64_t address)
{
    size_t low = 0, high = image->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (run_end(&image->runs[middle]) > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Makes the run cover [begin, end) as well, whatever stands in the new bytes. Room is added at the
 * side that grows, by half of the whole each time. */
static bool run_extend(struct run *run, uint64_t begin, uint64_t end)
{
    const size_t front = begin < run->address ? (size_t)(run->address - begin) : 0;
    const size_t back = end > run_end(run) ? (size_t)(end - run_end(run)) : 0;
    const size_t size = front + run->size + back;
    if (front > run->head || run->head + run->size + back > run->capacity) {
        const size_t spare_front = front > run->head ? size / 2 : 0;
        const size_t spare_back = back > 0 ? size / 2 : 0;
        const size_t capacity = spare_front + size + spare_back;
        uint8_t *buffer = malloc(capacity);
        if (buffer == NULL)
            return false;
        memcpy(buffer + spare_front + front, run_bytes(run), run->size);
        free(run->buffer);
        run->buffer = buffer;
        run->head = spare_front + front;
        run->capacity = capacity;
    }
    run->head -= front;
    run->address = (uint32_t)((uint64_t)run->address - front);
    run->size = (uint32_t)size;
    return true;
}

static bool insert_run(struct image *image, size_t at, uint32_t address, const uint8_t *data,
                       size_t size)
{
    if (image->count == image->capacity) {
        const size_t capacity = image->capacity == 0 ? 8 : 2 * image->capacity;
        struct run *runs = realloc(image->runs, capacity * sizeof *runs);
        if (runs == NULL)
            return false;
        image->runs = runs;
        image->capacity = capacity;
    }
    uint8_t *buffer = malloc(size);
    if (buffer == NULL)
        return false;
    memcpy(buffer, data, size);
    memmove(&image->runs[at + 1], &image->runs[at], (image->count - at) * sizeof *image->runs);
    image->runs[at] = (struct run){
        .address = address, .size = (uint32_t)size, .buffer = buffer, .capacity = size};
    image->count++;
    return true;
}

/* Finds the first byte of [address, address + size) that is present with another value. */
static bool find_conflict(const struct image *image, uint32_t address, const uint8_t *data,
                          size_t size, uint32_t *conflict, uint8_t *present)
{
    const uint64_t end = (uint64_t)address + size;
    for (size_t i = run_after(image, address); i < image->count; i++) {
        const struct run *run = &image->runs[i];
        if (run->address >= end)
            break;
        const uint64_t from = run->address > address ? run->address : address;
        const uint64_t to = run_end(run) < end ? run_end(run) : end;
        const uint8_t *ours = run_bytes(run) + (from - run->address);
        const uint8_t *theirs = data + (from - address);
        for (uint64_t k = 0; k < to - from; k++) {
            if (ours[k] != theirs[k]) {
                *conflict = (uint32_t)(from + k);
                *present = ours[k];
                return true;
            }
        }
    }
    return false;
}

/* Joins the runs [first, last) and [begin, end) into one; the longest of them takes in the rest. */
static bool join_runs(struct image *image, size_t first, size_t last, uint64_t begin, uint64_t end)
{
    struct run *runs = image->runs;
    size_t longest = first;
    for (size_t i = first + 1; i < last; i++)
        if (runs[i].size > runs[longest].size)
            longest = i;
    if (runs[first].address < begin)
        begin = runs[first].address;
    if (run_end(&runs[last - 1]) > end)
        end = run_end(&runs[last - 1]);
    if (!run_extend(&runs[longest], begin, end))
        return false;
    struct run joined = runs[longest];
    for (size_t i = first; i < last; i++) {
        if (i == longest)
            continue;
        memcpy(run_bytes(&joined) + (runs[i].address - begin), run_bytes(&runs[i]), runs[i].size);
        free(runs[i].buffer);
    }
    runs[first] = joined;
    memmove(&runs[first + 1], &runs[last], (image->count - last) * sizeof *runs);
    image->count -= last - first - 1;
    return true;
}

enum status image_put(struct image *image, uint32_t address, const uint8_t *data, size_t size,
                      enum image_overlap overlap, uint32_t *conflict, struct error *e)
{
    if (size == 0)
        return STATUS_OK;
    if (size > ADDRESS_END - address)
        return error_set(e, STATUS_INPUT, "%zu bytes at 0x%x run past the 32-bit addresses", size,
                         address);
    uint32_t where = 0;
    uint8_t present = 0;
    if (overlap == IMAGE_OVERLAP_SAME &&
        find_conflict(image, address, data, size, &where, &present)) {
        if (conflict != NULL)
            *conflict = where;
        return error_set(e, STATUS_INPUT, "0x%02x for address 0x%x, which is 0x%02x already",
                         data[where - address], where, present);
    }
    const uint64_t end = (uint64_t)address + size;
    /* Runs that overlap or touch: those that end at or after `address` and begin by `end`. */
    const size_t first = run_after(image, address > 0 ? (uint64_t)address - 1 : 0);
    size_t last = first;
    while (last < image->count && image->runs[last].address <= end)
        last++;
    bool done;
    if (first == last) {
        done = size < ADDRESS_END && insert_run(image, first, address, data, size);
    } else {
        const uint64_t low =
            image->runs[first].address < address ? image->runs[first].address : address;
        const uint64_t high =
            run_end(&image->runs[last - 1]) > end ? run_end(&image->runs[last - 1]) : end;
        done = high - low < ADDRESS_END && join_runs(image, first, last, address, end);
        if (done)
            memcpy(run_bytes(&image->runs[first]) + (address - image->runs[first].address), data,
                   size);
    }
    return done ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "out of memory for an image");
}

enum status image_merge(struct image *into, const struct image *from, struct error *e)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct run *run = &from->runs[i];
        TRY(image_put(into, run->address, run_bytes(run), run->size, IMAGE_OVERLAP_SAME, NULL, e));
    }
    return STATUS_OK;
}

bool image_empty(const struct image *image)
{
    return image->count == 0;
}

uint32_t image_bytes(const struct image *image)
{
    uint32_t bytes = 0;
    for (size_t i = 0; i < image->count; i++)
        bytes += image->runs[i].size;
    return bytes;
}

uint32_t image_low(const struct image *image)
{
    return image->count == 0 ? 0 : image->runs[0].address;
}

uint64_t image_end(const struct image *image)
{
    return image->count == 0 ? 0 : run_end(&image->runs[image->count - 1]);
}

bool image_next(const struct image *image, uint64_t from, struct extent *extent)
{
    const size_t i = run_after(image, from);
    if (i == image->count)
        return false;
    const struct run *run = &image->runs[i];
    const uint32_t skip = from > run->address ? (uint32_t)(from - run->address) : 0;
    *extent = (struct extent){
        .address = run->address + skip, .size = run->size - skip, .data = run_bytes(run) + skip};
    return true;
}

bool image_get(const struct image *image, uint32_t address, uint8_t *value)
{
    struct extent extent;
    if (!image_next(image, address, &extent) || extent.address != address)
        return false;
    if (value != NULL)
        *value = extent.data[0];
    return true;
}

size_t image_copy(const struct image *image, uint32_t address, uint8_t *data, size_t size,
                  uint8_t fill)
{
    if (size == 0)
        return 0;
    memset(data, fill, size);
    const uint64_t end = (uint64_t)address + size;
    size_t present = 0;
    struct extent extent;
    for (uint64_t at = address; image_next(image, at, &extent) && extent.address < end;
         at = (uint64_t)extent.address + extent.size) {
        const uint64_t left = end - extent.address;
        const size_t count = extent.size < left ? extent.size : (size_t)left;
        memcpy(data + (extent.address - address), extent.data, count);
        present += count;
    }
    return present;
}

bool image_equal(const struct image *a, const struct image *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct run *left = &a->runs[i], *right = &b->runs[i];
        if (left->address != right->address || left->size != right->size ||
            memcmp(run_bytes(left), run_bytes(right), left->size) != 0)
            return false;
    }
    return true;
}

void image_truncate(struct image *image, uint64_t end)
{
    while (image->count > 0) {
        struct run *last = &image->runs[image->count - 1];
        if (run_end(last) <= end)
            return;
        if (last->address < end) {
            last->size = (uint32_t)(end - last->address);
            return;
        }
        free(last->buffer);
        image->count--;
    }
}
