/**
 * Supabase Realtime's protocol, versions 1.0.0 and 2.0.0, as the official clients speak it: what a
 * client says ({@link com.gptdesk.chat.service.realtime.protocol.ClientMessage}), what the server
 * says ({@link com.gptdesk.chat.service.realtime.protocol.ServerMessage}), and how either is framed
 * ({@link com.gptdesk.chat.service.realtime.protocol.Serializer}). It knows nothing of channels,
 * users or tables, and nothing here has a thread of its own.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.NullMarked;
