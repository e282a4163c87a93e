/* Fuse and lock bytes for programs. */
#include "fuse_json.h"

#include "json_sink.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* {"value":5,"name":"2V7","meaning":"2.7 V","alias":"bod_2v7"} */
static json_t *value_object(const struct field *field, uint8_t value)
{
    char name[FUSE_TEXT_SIZE], alias[FUSE_TEXT_SIZE];
    json_t *o = json_object();
    set(o, "value", json_integer(value));
    set(o, "name", json_text(fuse_value_name(field, value, name)));
    set(o, "meaning", json_text(fuse_value_meaning(field, value)));
    set(o, "alias", json_text(fuse_value_alias(field, value, alias)));
    return o;
}

static json_t *field_object(const struct field *field, uint8_t byte)
{
    json_t *o = json_object();
    set(o, "field", json_text(field->name));
    set(o, "caption", json_text(field->caption));
    (void)json_object_update_new(o, value_object(field, field_get(field, byte)));
    return o;
}

static json_t *byte_object(const struct fuse_byte *b)
{
    json_t *o = json_object(), *fields = json_array();
    set(o, "name", json_text(b->memory->name));
    set(o, "value", b->given == 0xff ? json_integer(b->value) : json_null());
    for (size_t i = 0; i < b->memory->field_count; i++)
        if ((b->memory->fields[i].mask & ~b->given) == 0)
            (void)json_array_append_new(fields, field_object(&b->memory->fields[i], b->value));
    set(o, "fields", fields);
    return o;
}

void fuse_json_set(FILE *out, const struct fuse_set *s)
{
    json_t *o = json_begin("fuses"), *bytes = json_array(), *options = json_array();
    set(o, "part", json_text(s->part->name));
    for (size_t i = 0; i < s->count; i++) {
        char option[64];
        if (s->bytes[i].given == 0)
            continue;
        (void)json_array_append_new(bytes, byte_object(&s->bytes[i]));
        if (s->bytes[i].given != 0xff)
            continue;
        (void)snprintf(option, sizeof option, "%s:w:0x%02x:m", s->bytes[i].memory->name,
                       s->bytes[i].value);
        (void)json_array_append_new(options, json_text("-U"));
        (void)json_array_append_new(options, json_text(option));
    }
    set(o, "bytes", bytes);
    set(o, "options", options);
    json_line(out, o);
}

static json_t *change_object(const struct fuse_byte *a, const struct fuse_byte *b)
{
    json_t *o = json_object(), *fields = json_array();
    set(o, "name", json_text(a->memory->name));
    set(o, "from", a->given == 0xff ? json_integer(a->value) : json_null());
    set(o, "to", b->given == 0xff ? json_integer(b->value) : json_null());
    for (size_t i = 0; i < a->memory->field_count; i++) {
        const struct field *field = &a->memory->fields[i];
        if (((a->value ^ b->value) & field->mask & a->given & b->given) == 0)
            continue;
        json_t *change = json_object();
        set(change, "field", json_text(field->name));
        set(change, "caption", json_text(field->caption));
        set(change, "from", value_object(field, field_get(field, a->value)));
        set(change, "to", value_object(field, field_get(field, b->value)));
        (void)json_array_append_new(fields, change);
    }
    set(o, "fields", fields);
    return o;
}

void fuse_json_difference(FILE *out, const struct fuse_set *a, const struct fuse_set *b)
{
    json_t *o = json_begin("difference"), *bytes = json_array();
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (fuse_byte_differs(&a->bytes[i], &b->bytes[i]))
            (void)json_array_append_new(bytes, change_object(&a->bytes[i], &b->bytes[i]));
    set(o, "part", json_text(a->part->name));
    set(o, "equal", json_boolean(json_array_size(bytes) == 0));
    set(o, "bytes", bytes);
    json_line(out, o);
}

void fuse_json_choices(FILE *out, const struct fuse_field *f, const struct fuse_byte *present)
{
    json_t *o = json_begin("choices"), *values = json_array();
    const bool known = present != NULL && (f->field->mask & ~present->given) == 0;
    for (size_t i = 0; i < fuse_value_count(f->field); i++)
        (void)json_array_append_new(values, value_object(f->field, fuse_value_at(f->field, i)));
    set(o, "memory", json_text(f->memory->name));
    set(o, "field", json_text(f->field->name));
    set(o, "caption", json_text(f->field->caption));
    set(o, "present", known ? json_integer(field_get(f->field, present->value)) : json_null());
    set(o, "values", values);
    json_line(out, o);
}
