/* cppcheck-model.h - macros of system headers, which cppcheck does not read. */
#define NULL                              ((void *)0)
#define TAILQ_FOREACH(v, h, f)            for (v = (h)->tqh_first; v != NULL; v = v->f.tqe_next)
#define STAILQ_FOREACH(v, h, f)           for (v = (h)->stqh_first; v != NULL; v = v->f.stqe_next)
#define LIST_FOREACH(v, h, f)             for (v = (h)->lh_first; v != NULL; v = v->f.le_next)
#define json_array_foreach(a, i, v)                                                                \
    for (i = 0; i < json_array_size(a) && (v = json_array_get(a, i)) != NULL; i++)
#define json_object_foreach(o, k, v)                                                               \
    for (void *it = json_object_iter(o); (k = json_object_iter_key(it)) != NULL &&                 \
                                         (v = json_object_iter_value(it)) != NULL;                 \
         it = json_object_iter_next(o, it))
