/**
 * Delivers changes from the database's change log to the users who may see them. The relay reads
 * the changes that became visible since its last snapshot. It sleeps when there is nothing to read,
 * and a NOTIFY wakes it. It uses plain JDBC and one thread, and depends on neither HTTP nor
 * WebSockets, so it can run inside your own program.
 */
@NullMarked
package com.gptdesk.chat.relay;

import org.jspecify.annotations.NullMarked;
