/**
 * The proof that the relay loses, repeats and reorders nothing: many writers, faults and time
 * against a real PostgreSQL.
 *
 * <p>{@code -Dchat.proof.times=40} does so many times the work of an ordinary run; {@code
 * -Dchat.proof.seed=…} repeats a run's choices, though not how the threads met.
 */
@NullMarked
package com.gptdesk.chat.relay.proof;

import org.jspecify.annotations.NullMarked;
