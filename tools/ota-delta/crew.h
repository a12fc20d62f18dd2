/* SPDX-License-Identifier: Apache-2.0 */
/* Work on several processors. Tasks share nothing that they write, so what comes out does not depend on their order. */
#ifndef CREW_H
#define CREW_H

#define CREW_MAX 64u

/* Do task(who, i) for all i below count, with up to `threads` threads; the caller is one of them, and the only one where
 * no other can be begun. Returns when all are done. */
void crew_run(unsigned threads, unsigned count, void (*task)(void *who, unsigned i), void *who);
/* Processors that this process may use, 1..CREW_MAX. */
unsigned crew_processors(void);

#endif
