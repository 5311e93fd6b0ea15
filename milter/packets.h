/* packets.h: reads what the MTA sends and writes what it is told, in libmilter's place.
 *
 * For each packet libmilter asks the kernel five times: is there one, wait, read its length, wait, read the rest; and twice
 * for each that it writes. An MTA sends up to some twenty before it waits for an answer, so most of a filter's time goes there.
 * Here what has come is looked at in one piece and handed to libmilter packet by packet, and changes of a message go out
 * together with the answer behind them.
 *
 * libmilter's mi_rd_cmd and mi_wr_cmd (its comm.c) are replaced by being defined: the dynamic linker finds the program's
 * functions first. A libmilter that is linked so that it always finds its own works as it always did; nothing else relies on this.
 *
 * What is under way is kept by thread. libmilter gives a connection to one of its threads, and takes it back only when the kernel
 * has nothing more to read from it, which is never so while something is under way. */
#ifndef MILTER_PACKETS_H
#define MILTER_PACKETS_H

#include <stddef.h>
#include <sys/time.h>

/* Called by libmilter: the next packet from fd; waits for each part of it at most as long as timeout says.
 * Returns what follows the command, from malloc, and its length; *command is the command. NULL: there is nothing behind the
 * command; or, where *command is below a space, there is no packet: the connection has ended, was silent for too long,
 * or sent what can't be a packet, and libmilter closes it.
 *
 * Of what was looked at, the kernel keeps all until the last packet is handed over: libmilter polls fd before each.
 *
 * Left out: macros for a header field or a piece of the body, and lists of none, which libmilter keeps nowhere. Refused:
 * macros that do not come in pairs of name and value, behind which libmilter 8.17 would read past the end. */
char *mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *filter);

/* Called by libmilter: writes a packet; waits at most as long as timeout says, each time that the MTA reads nothing.
 * A change of the message waits here for the answer, which always follows; where that can't be written, the connection ends
 * and the MTA takes neither. Returns MI_SUCCESS or MI_FAILURE. */
int mi_wr_cmd(int fd, struct timeval *timeout, int command, char *rest, size_t len);

/* This thread's connection ends: what it has handed over is taken from the kernel, and the rest forgotten; and so are changes that
 * have no answer. Before fd is closed, in the thread that handed over the latest packet: libmilter's close callback. */
void packets_read_end(void);
void packets_write_end(void);

/* What stands in the place of a command where there is none; libmilter's own numbers. */
enum packets_wrong { PACKETS_RIGHT = 0, PACKETS_SILENT = 1, PACKETS_NO_MEMORY = 3, PACKETS_BROKEN = 4, PACKETS_ENDED = 5, PACKETS_TOO_LARGE = 7 };

/* Until POLLIN or POLLOUT, at most so long. */
enum packets_wrong packets_wait(int fd, short event, const struct timeval *timeout);

#endif
