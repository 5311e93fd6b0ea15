/* notify.h: tells the service manager how a daemon is doing (sd_notify(3)'s protocol), where it asks. */
#ifndef TG_NOTIFY_H
#define TG_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…": one datagram to $NOTIFY_SOCKET; without that nothing. */
void tg_notify(const char *state);

#endif
