/**
 * What one channel is told, whatever carries it: its rights, its changes live and replayed, its
 * broadcasts and its presence. Everything is written through {@link
 * com.gptdesk.chat.service.realtime.channel.Outbound}; nothing here knows a socket. What belongs to
 * one client is owned by its socket's context, what a node shares may be called by any thread.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.channel;

import org.jspecify.annotations.NullMarked;
