/**
 * The soak: two nodes on one database, writers, readers that come and go, and everything that can
 * break, broken at random. Not a unit test: {@code scripts/soak} runs it.
 */
@NullMarked
package com.gptdesk.chat.soak;

import org.jspecify.annotations.NullMarked;
