/**
 * From the database's change log to whoever may see a change. The relay reads what became visible
 * since its last snapshot, sleeps when there is nothing to read, and is woken by a doorbell. Plain
 * JDBC and one thread; it knows neither HTTP nor WebSockets, so a program of your own can carry it.
 */
@NullMarked
package com.gptdesk.chat.relay;

import org.jspecify.annotations.NullMarked;
