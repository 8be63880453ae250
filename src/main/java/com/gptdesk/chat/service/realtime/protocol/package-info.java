/**
 * Supabase Realtime's protocol, versions 1.0.0 and 2.0.0, as the official clients use it: a
 * client's messages ({@link com.gptdesk.chat.service.realtime.protocol.ClientMessage}), the
 * server's messages ({@link com.gptdesk.chat.service.realtime.protocol.ServerMessage}), and the
 * framing of both ({@link com.gptdesk.chat.service.realtime.protocol.Serializer}). It depends on no
 * channels, users or tables, and starts no threads.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.NullMarked;
