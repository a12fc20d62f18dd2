/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent, its boot loader, the server and the power, as one machine: what holds for every order of events.
 *
 * The edges between states and the boot record's rules are not written here: table.pml is made by export.c from lib/agent and
 * the boot record's own functions. What a step does is written here, in the order of its durable writes; power can fail before
 * each of them (CUTS times), each can fail once (FAULTS), the network can fail (NETS), a download can be damaged (DAMAGES).
 *
 * Versions: 1 came from the factory, 2 and 3 are published one after the other; 0 in a slot is no image. Each of 2 and 3 is
 * good, sick (its health check fails) or crashes before the agent starts.
 *
 * Checked: what starts is a whole image; a confirmed version is never lost, and only a good one is confirmed; a bad image has
 * at most TRIES starts; a slot in use is never written; every outcome is reported under one number and none is invented
 * (asserts); every run comes to rest where the server wants it (ltl ends). PLANT_* spoil one step each: run.py shows that
 * each is noticed.
 */
#include "table.pml"

#ifdef PLANT_EDGE_SICK_IS_REPORTED
#define REJECT_OF(s) ((s) == TRIAL -> REPORT : ROW_REJECT(s))
#else
#define REJECT_OF(s) ROW_REJECT(s)
#endif
#ifdef PLANT_EDGE_RESUME_CONFIRMS
#define RESUME_OF(s) ((s) == TRIAL -> CONFIRM : ROW_RESUME(s))
#elif defined PLANT_EDGE_RESUME_FORGETS
#define RESUME_OF(s) ((s) == REVERT || (s) == REPORT -> IDLE : ROW_RESUME(s))
#else
#define RESUME_OF(s) ROW_RESUME(s)
#endif

#ifndef CUTS
#define CUTS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef NETS
#define NETS 1
#endif
#ifndef DAMAGES
#define DAMAGES 1
#endif
#ifndef FULLS
#define FULLS 1
#endif
#ifndef LOSSES
#define LOSSES 0                   /* of the journal: reports and blocks may be lost with it, nothing else */
#endif
#ifndef TRIES
#define TRIES 3                    /* more than CUTS, as ARMS_MAX is: a good image never runs out of either */
#endif
#define ARMS_MAX 3

#define NONE 2                     /* no slot */
#define GOOD 0                     /* kinds of images */
#define SICK 1
#define CRASH 2
#define NOTHING 0                  /* outcomes */
#define CONFIRMED 1
#define ROLLED_BACK 2
#define REFUSED 3
#define DROPPED 3                  /* trial state in which the next start takes the confirmed slot */
#define OUT_OF_TRIES 3             /* fate */

#define R_DONE 0                   /* classes of results */
#define R_SAME 1
#define R_RETRY 2
#define R_REJECT 3
#define R_DEVICE 4
#define R_AGAIN 5

typedef Journal {
    byte state, arms, outcome, id, last_id, deployment, confirmed, blocked, etag, version, slot, installed;
    bit wanted, complete
};

/* ---- durable ---- */
byte slot[2];                      /* version in each slot */
byte b_confirmed, b_running, b_trial, b_state, b_tries, b_fate;
Journal D, Fresh;                  /* Fresh stays as a device without a journal begins */
byte ring_n, ring_last, ring_id[3], ring_what[3], ring_version[3];

/* ---- the world ---- */
byte kind[4], want, cuts, faults, nets, damages, losses, fulls;
bool rest;

/* ---- what really happened, for the checks ---- */
byte starts[4], ended[4], told[4], told_id[4], committed;

/* ---- the agent's memory ---- */
Journal J;
byte state, from, result, next, s;
bit dirty, sealed, refused, failed, running, spare;

inline copy(to, src) {
    to.state = src.state; to.arms = src.arms; to.outcome = src.outcome; to.id = src.id; to.last_id = src.last_id;
    to.deployment = src.deployment; to.confirmed = src.confirmed; to.blocked = src.blocked; to.etag = src.etag;
    to.version = src.version; to.slot = src.slot; to.installed = src.installed; to.wanted = src.wanted; to.complete = src.complete
}

inline power() {                   /* may fail here */
    if
    :: cuts < CUTS -> cuts++; goto power_on
    :: true
    fi
}

inline medium() {                  /* a durable write: power may fail before it, and it may fail itself */
    power();
    if
    :: faults < FAULTS -> faults++; failed = 1
    :: failed = 0
    fi
}

inline save() {
    medium();
    if
    :: !failed -> d_step { J.state = state; copy(D, J); dirty = 0 }
    :: else
    fi
}

#define V_TRIAL VIEW_TRIAL(b_state, b_fate)
#define V_PENDING VIEW_PENDING(b_state, b_fate)
#define V_SPENT VIEW_SPENT(b_state, b_fate)
#define V_ARMED (VIEW_ARMED(b_state, b_fate) -> b_trial : NONE)
#define UNFINISHED (J.outcome == REFUSED || (J.outcome == NOTHING && J.wanted))

/* The slot that the trial is about, and what became of it: lib/boot. */
#define TRIAL_SLOT ((V_TRIAL || V_PENDING) -> V_ARMED : (J.wanted -> J.slot : NONE))
#define F_PENDING (V_PENDING && V_ARMED == s)
#define F_RUNS (!F_PENDING && s != NONE && s == b_running)
#define F_PERMANENT (F_RUNS && !V_TRIAL)
#define F_RUNNING (F_RUNS && V_TRIAL && V_ARMED == s)

inline settle(what) {
    d_step {
        J.outcome = what; J.arms = 0; dirty = 1;
        if :: J.deployment != 0 -> J.last_id++; J.id = J.last_id :: else fi
    }
}

active proctype device() {
    d_step {
        slot[0] = 1; slot[1] = 0;
        b_confirmed = 0; b_running = 0; b_trial = NONE;
        D.slot = NONE; want = 2; committed = 1; ended[1] = CONFIRMED;
    }
    if :: kind[2] = GOOD :: kind[2] = SICK :: kind[2] = CRASH fi;
    if :: kind[3] = GOOD :: kind[3] = SICK :: kind[3] = CRASH fi;

    /* ---- the boot loader ---- */
power_on:
    if
    :: b_state != 0 ->
        power();
        d_step {
            s = START_TRIAL(b_state, b_tries);
            b_running = (s -> b_trial : b_confirmed);
#ifdef PLANT_NO_TRIES
            b_state = START_STATE(b_state, b_tries);
#else
            from = START_TRIES(b_state, b_tries);
            b_fate = (s -> b_fate : START_FATE(b_state, b_tries));
            b_state = START_STATE(b_state, b_tries);
            b_tries = from;
            if :: b_state == 0 -> b_trial = NONE :: else fi;
#endif
            from = 0
        }
    :: else -> b_running = b_confirmed
    fi;
    d_step {
        printf("start: slot %d holds %d, boot state %d, tries %d, fate %d, cuts %d, journal %d\n", b_running, slot[b_running], b_state, b_tries, b_fate, cuts, D.state);
        assert(slot[b_running] != 0);                        /* always starts something whole */
        assert(slot[b_confirmed] >= committed);              /* what was confirmed is never lost */
        if
        :: kind[slot[b_running]] != GOOD ->
            starts[slot[b_running]]++;
            assert(starts[slot[b_running]] <= TRIES * (1 + losses))         /* a bad image has its tries and no more */
        :: else
        fi;
        copy(J, D);                                          /* memory is lost */
        state = START; dirty = 0; sealed = 0; failed = 0; refused = 0
    }
    if
    :: kind[slot[b_running]] == CRASH -> goto power_on
    :: else
    fi;

    /* ---- the agent ---- */
    do
    :: state == START ->
        if
        :: losses < LOSSES -> d_step { losses++; copy(J, Fresh); J.slot = NONE; J.last_id = ring_last; copy(D, J) }
        :: true
        fi;
        d_step {
            if
            :: (V_TRIAL || V_PENDING) && RESUME_OF(J.state) == IDLE -> J.state = REBOOT
#ifdef PLANT_SPENT_FORGOTTEN
            :: !V_TRIAL && !V_PENDING && J.state == ARM && J.arms < ARMS_MAX -> J.state = IDLE
#endif
            :: !V_TRIAL && !V_PENDING && !V_SPENT && J.state == ARM && J.arms < ARMS_MAX -> J.state = IDLE
            :: else
            fi;
            result = R_DONE
        };
        goto follow

    :: state == IDLE ->
        if
        :: J.etag == want && !UNFINISHED && ring_n == 0 ->
            if
            :: want == 2 -> want = 3                          /* the next release */
            :: want == 3 -> power(); goto come_to_rest
            :: fulls < FULLS                                  /* one more check-in */
            fi
        :: else
        fi;
        result = R_DONE;
        goto follow

    :: state == POLL ->
        if
        :: nets < NETS -> nets++; result = R_RETRY
        :: J.etag == want && !UNFINISHED -> result = R_SAME
        :: J.etag == want && !UNFINISHED && fulls < FULLS -> fulls++; result = R_DONE /* from time to time everything is asked for */
        :: J.etag != want || UNFINISHED -> result = R_DONE
        fi;
        if :: want == 2 -> want = 3 :: true fi;               /* a newer release may appear at any moment */
        goto follow

    :: state == TRUST ->
        if
        :: nets < NETS -> nets++; result = R_RETRY
        :: true -> d_step {
            if :: J.etag != want -> J.etag = want; dirty = 1 :: else fi;
            if
            :: J.installed == want || (J.installed == 0 && slot[b_running] == want) ->
                if :: J.installed != want -> J.installed = want; dirty = 1 :: else fi;
                if
                :: J.confirmed != want || UNFINISHED ->
                    J.deployment = want; J.wanted = 0; J.confirmed = want; J.outcome = CONFIRMED; dirty = 1
                :: else
                fi;
                result = R_SAME
            :: else ->
                if
                :: J.blocked == want ->
                    if :: J.outcome != ROLLED_BACK -> J.outcome = ROLLED_BACK; dirty = 1 :: else fi;
                    result = R_SAME
                :: else ->
                    if :: J.deployment != want -> J.arms = 0 :: else fi;
                    if :: J.version != want -> J.complete = 0; J.slot = NONE :: else fi;
                    J.version = want; J.wanted = 1; J.deployment = want; J.outcome = NOTHING; sealed = 0; dirty = 1;
                    result = R_DONE
                fi
            fi }
        fi;
        goto follow

    :: state == PLAN ->
        d_step {
            if
            :: sealed -> result = R_SAME
            :: else ->
#ifdef PLANT_WRONG_SLOT
                spare = 1 - b_confirmed + b_confirmed * 0;
                if :: J.last_id > 0 -> spare = b_running :: else fi;
#else
                spare = 1 - b_running;
#endif
                if :: J.slot != spare -> J.complete = 0 :: else fi;
                J.slot = spare;
                result = R_DONE
            fi
        };
        goto follow

    :: state == DOWNLOAD ->
        if
        :: J.complete -> result = R_DONE
        :: !J.complete && nets < NETS -> nets++; result = R_RETRY
        :: !J.complete ->
            assert(J.slot != b_running && J.slot != b_confirmed); /* a slot in use is never written */
            medium();
            if
            :: failed -> result = R_DEVICE
            :: else ->
                slot[J.slot] = 0;
                power();
                if
                :: damages < DAMAGES -> damages++
                :: slot[J.slot] = J.version
                fi;
                J.complete = 1;
                save();
                result = (failed -> R_DEVICE : R_DONE)
            fi
        fi;
        goto follow

    :: state == SEAL ->
#ifdef PLANT_NO_SEAL
        sealed = 1;
        result = R_DONE;
#else
        if
        :: slot[J.slot] == J.version -> sealed = 1; result = R_DONE
        :: else -> result = R_REJECT
        fi;
#endif
        goto follow

    :: state == READY ->
        if
        :: V_SPENT -> medium(); if :: failed -> result = R_DEVICE; goto follow :: else -> b_fate = REVERT_FATE(b_state, b_fate) fi
        :: else
        fi;
        J.arms++;
        result = R_DONE;
        goto follow

    :: state == ARM ->
        medium();
        if
        :: failed || !ARM_OK(b_state) -> J.arms--; save(); result = R_DEVICE
        :: else ->
            d_step { b_trial = J.slot; b_state = 1; b_tries = TRIES; b_fate = 0 }
            result = R_DONE
        fi;
        goto follow

    :: state == REBOOT ->
        s = TRIAL_SLOT;
        if
        :: F_PENDING -> goto power_on
        :: F_PERMANENT || F_RUNNING -> result = R_DONE
        :: else -> result = R_REJECT
        fi;
        goto follow

    :: state == TRIAL ->
        s = TRIAL_SLOT;
        if
        :: F_PERMANENT -> result = R_DONE
        :: F_RUNNING ->
#ifdef PLANT_CONFIRM_UNASKED
            result = R_DONE
#else
            power();                                          /* judging takes its time */
            result = (kind[slot[b_running]] == GOOD -> R_DONE : R_REJECT)
#endif
        :: else -> result = R_REJECT
        fi;
        goto follow

    :: state == CONFIRM ->
        s = TRIAL_SLOT;
        if
        :: F_RUNNING ->
            medium();
            if
            :: failed -> result = R_DEVICE; goto follow
            :: else
            fi;
#ifdef PLANT_LOST_CONFIRM
            skip
#else
            d_step {
                assert(CONFIRM_OK(b_state));
                b_confirmed = b_running; b_state = 0; b_tries = 0; b_trial = NONE; b_fate = 1;
                assert(kind[slot[b_confirmed]] == GOOD);      /* only a good image is confirmed */
                if :: slot[b_confirmed] > committed -> committed = slot[b_confirmed] :: else fi
            }
#endif
        :: F_PERMANENT
        :: else -> result = R_REJECT; goto follow
        fi;
        d_step {
            if :: J.deployment != 0 -> ended[slot[b_running]] = CONFIRMED :: else fi;
            if :: J.wanted -> J.installed = J.version :: else fi;
            J.blocked = 0;
            J.confirmed = J.deployment
        }
        settle(CONFIRMED);
        result = R_DONE;
        goto follow

    :: state == REVERT ->
        s = TRIAL_SLOT;
        running = V_TRIAL || F_PERMANENT;
        if
        :: V_TRIAL || V_PENDING || V_SPENT ->
            medium();
            if
            :: failed -> result = R_DEVICE; goto follow
            :: else -> d_step {
                from = b_state;
                b_state = REVERT_STATE(from, b_fate);
                b_fate = REVERT_FATE(from, b_fate);
                from = 0;
                if :: b_state == 0 -> b_trial = NONE :: b_state == DROPPED -> b_tries = 0 :: else fi }
            fi
        :: else
        fi;
        if
        :: running -> goto power_on
        :: else
        fi;
        d_step {
#ifndef PLANT_NO_BLOCK
            J.blocked = J.deployment;
#endif
            if :: J.deployment != 0 && ended[J.deployment] == NOTHING -> ended[J.deployment] = ROLLED_BACK :: else fi
        }
        settle(ROLLED_BACK);
        result = R_DONE;
        goto follow

    :: state == REFUSE ->
        d_step {
            J.complete = 0;
            if :: ring_n > 0 || !refused -> J.last_id++; J.id = J.last_id :: else fi;
            refused = 1;
            J.outcome = REFUSED; J.etag = 0; dirty = 1;
            result = R_DONE
        };
        goto follow

    :: state == REPORT ->
        if
        :: J.id > ring_last ->
            medium();
            if
            :: failed -> result = R_DEVICE; goto follow
            :: else -> d_step {
                assert(ring_n < 3);
                ring_id[ring_n] = J.id; ring_what[ring_n] = J.outcome; ring_version[ring_n] = J.deployment;
                ring_n++; ring_last = J.id }
            fi
        :: else
        fi;
        if
        :: ring_n == 0 -> result = R_DONE
        :: ring_n > 0 && nets < NETS -> nets++; result = R_RETRY
        :: ring_n > 0 ->
#ifdef PLANT_CLEARED_FIRST
            from = ring_what[0]; next = ring_version[0]; s = ring_id[0];
            d_step { ring_id[0] = ring_id[1]; ring_what[0] = ring_what[1]; ring_version[0] = ring_version[1];
                     ring_id[1] = ring_id[2]; ring_what[1] = ring_what[2]; ring_version[1] = ring_version[2]; ring_n-- }
            power();
#else
            from = ring_what[0]; next = ring_version[0]; s = ring_id[0];
            power();
#endif
            d_step {                                          /* the server has it */
                if
                :: from != REFUSED ->
                    assert(ended[next] == from);              /* nothing is invented */
                    assert(losses > 0 || told[next] == NOTHING || told_id[next] == s); /* one outcome, one number */
                    told[next] = from; told_id[next] = s
                :: else
                fi;
                from = 0; next = 0
            }
#ifndef PLANT_CLEARED_FIRST
            medium();
            if
            :: failed -> result = R_DEVICE; goto follow
            :: else -> d_step {
                ring_id[0] = ring_id[1]; ring_what[0] = ring_what[1]; ring_version[0] = ring_version[1];
                ring_id[1] = ring_id[2]; ring_what[1] = ring_what[2]; ring_version[1] = ring_version[2]; ring_n-- }
            fi;
#endif
            result = R_AGAIN
        fi;
        goto follow

    :: state == FAULT -> result = R_DONE; goto follow;

    /* ---- the table decides ---- */
follow:
        true;
        d_step {
            next = (result == R_DONE -> ROW_DONE(state) : (result == R_SAME -> ROW_SAME(state) : (result == R_RETRY -> ROW_RETRY(state) :
                   (result == R_REJECT -> REJECT_OF(state) : (result == R_DEVICE -> ROW_DEVICE(state) : NEVER)))));
            if :: next == RESUME -> next = RESUME_OF(J.state) :: else fi;
            failed = 0; from = state; s = 0; spare = 0; running = 0;
            printf("state %d, result %d -> %d\n", state, result, next);
            assert(next != NEVER || result == R_AGAIN);       /* the table provides for every result */
        }
        if
        :: result == R_AGAIN
        :: result != R_AGAIN && next == FAULT -> state = FAULT; dirty = 0
        :: result != R_AGAIN && next != FAULT ->
            state = next;
            if
            :: ROW_JOURNALED(next) || dirty ->
#ifdef PLANT_REPORT_UNNOTED
                if :: next == REPORT -> dirty = 0 :: else -> save() fi;
#else
                save();
#endif
                if :: failed -> state = FAULT; dirty = 0 :: else fi
            :: else
            fi
        fi;
        d_step { failed = 0; from = 0; next = 0; result = 0; if :: state == FAULT -> copy(J, D) :: else fi }
    od;

come_to_rest:
    true;
    d_step {
        assert(b_state == 0 && b_running == b_confirmed);
        assert(losses > 0 || (ended[want] != NOTHING && told[want] == ended[want])); /* the last release ended, and that was told */
        assert(losses > 0 || ended[2] == NOTHING || told[2] == ended[2]); /* so was the one before, if it came that far */
        assert((kind[want] == GOOD) == (slot[b_confirmed] == want));
        rest = true
    }
}

ltl ends { <> rest }
