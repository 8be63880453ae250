/**
 * The soak: two nodes on one database, writers, readers that come and go, and everything that can
 * break, broken at random; with it the crash test. No unit tests: {@code scripts/soak} runs the
 * one, {@code scripts/crash-test} the other.
 */
@NullMarked
package com.gptdesk.chat.soak;

import org.jspecify.annotations.NullMarked;
