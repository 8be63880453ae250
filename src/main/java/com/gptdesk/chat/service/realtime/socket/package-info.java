/**
 * The WebSocket endpoint: {@link com.gptdesk.chat.service.realtime.socket.RealtimeServer} turns
 * upgrades into sockets, a socket reads its client's messages, joins channels, and writes what they
 * are told. Who may hear what was decided in the database, which wrote it beside the change. Each
 * socket is owned by one event-loop context.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.socket;

import org.jspecify.annotations.NullMarked;
