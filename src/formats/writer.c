/* The buffer that writers fill. */
#include "writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool buffer_reserve(struct buffer *b, size_t size)
{
    if (b->failed)
        return false;
    if (size <= b->capacity - b->size)
        return true;
    size_t capacity = b->capacity == 0 ? 1024 : 2 * b->capacity;
    if (capacity < b->size + size)
        capacity = b->size + size;
    uint8_t *data = realloc(b->data, capacity);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *b, const void *data, size_t size)
{
    if (size == 0 || !buffer_reserve(b, size))
        return;
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

void buffer_fill(struct buffer *b, uint8_t value, size_t size)
{
    if (size == 0 || !buffer_reserve(b, size))
        return;
    memset(b->data + b->size, value, size);
    b->size += size;
}

void buffer_print(struct buffer *b, const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        b->failed = true;
    else
        buffer_append(b, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}
