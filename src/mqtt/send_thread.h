#pragma once
// Paho's send thread is woken by the loop for each message, within publish(), which still holds
// locks then that the thread needs. Where the scheduler puts it on the loop's own CPU at once, as
// it does with a thread that has slept, the two switch back and forth until they are let go: a
// fifth of the gateway's CPU time (tests/bench). So it is made one that does not interrupt what
// runs (SCHED_BATCH, sched(7)): it comes next instead, and where every CPU is kept busy by others,
// up to a tick, 4 ms, later. The receive thread, which commands come by, is left as it is.

namespace hi6gw::mqtt {

// Applies this to the send threads of this process that are ordinary ones, found by the name that
// Paho 1.3.12 gives them; returns how many. What the system does not allow stays as it was. May
// block on /proc. Any thread.
int let_send_thread_wait();

}  // namespace hi6gw::mqtt
