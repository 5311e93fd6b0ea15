/* cppcheck.h: what cppcheck, which reads no headers of the system, must know of them (analyze.sh). */
#define PROTOBUF_C_VERSION_NUMBER 9999999
#define PROTOBUF_C_MIN_COMPILER_VERSION 1000000
#define json_object_foreach(object, key, value)                                                                    \
    for (key = json_object_iter_key(json_object_iter(object)); key && (value = json_object_iter_value(object, key)); \
         key = json_object_iter_key(json_object_iter_next(object, key)))
#define json_array_foreach(array, index, value) \
    for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)); index++)
#define LIST_HEAD(name, type) struct name { struct type *lh_first; }
#define LIST_ENTRY(type) struct { struct type *le_next, **le_prev; }
#define LIST_FIRST(head) ((head)->lh_first)
#define LIST_FOREACH(at, head, field) for (at = (head)->lh_first; at; at = at->field.le_next)
