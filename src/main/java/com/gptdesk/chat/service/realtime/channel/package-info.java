/**
 * Delivers to one channel, whatever the transport: its rights, its changes live and replayed, its
 * broadcasts and its presence. It writes through {@link
 * com.gptdesk.chat.service.realtime.channel.Outbound} and does not depend on sockets. The socket's
 * context owns the state of one client; what a node shares is thread-safe.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.channel;

import org.jspecify.annotations.NullMarked;
