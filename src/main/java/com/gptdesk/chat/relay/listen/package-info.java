/** Listens for the database's NOTIFY with either driver, and wakes the relay. */
@NullMarked
package com.gptdesk.chat.relay.listen;

import org.jspecify.annotations.NullMarked;
