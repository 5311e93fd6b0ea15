/* clean_memory.h: memory that is wiped before it is given back, for whatever holds a client's words for a while.
 *
 * clean_memory_begin makes libevent, libsasl2 and jansson use it: buffers that grow, requests that are dropped half way, decoded
 * passwords, answers with verifiers. It comes before the first call of any. */
#ifndef AUTHD_CLEAN_MEMORY_H
#define AUTHD_CLEAN_MEMORY_H

void clean_memory_begin(void);
/* As free(3). */
void clean_free(void *memory);

#endif
