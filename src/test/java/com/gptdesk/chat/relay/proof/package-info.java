/**
 * The proof that the relay loses, repeats and reorders nothing: many writers, faults and time
 * against a real PostgreSQL.
 *
 * <p>{@code -Dchat.proof.seconds=600} runs the load that long instead of some seconds; {@code
 * -Dchat.proof.seed=…} repeats a run's choices, though not how the threads met.
 */
@NullMarked
package com.gptdesk.chat.relay.proof;

import org.jspecify.annotations.NullMarked;
