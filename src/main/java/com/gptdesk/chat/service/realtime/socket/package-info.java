/**
 * The WebSocket endpoint: {@link com.gptdesk.chat.service.realtime.socket.RealtimeServer} turns
 * upgrades into sockets. A socket reads its client's messages, joins channels, and writes their
 * events. The database decides who may see a change, and stores that beside it. One event-loop
 * context owns each socket.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.socket;

import org.jspecify.annotations.NullMarked;
