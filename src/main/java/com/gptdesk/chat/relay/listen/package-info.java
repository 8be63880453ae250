/** Waits for the database's NOTIFY, by either driver, and wakes the relay. */
@NullMarked
package com.gptdesk.chat.relay.listen;

import org.jspecify.annotations.NullMarked;
