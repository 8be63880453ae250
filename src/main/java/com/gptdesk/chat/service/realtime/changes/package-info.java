/**
 * Changes of the database as clients are told them: which tables are published, what a binding asks
 * for, which bindings a change meets, and the payload that all of them share. Uses the protocol
 * alone; nothing here knows a socket. Values are immutable or say who owns them.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.changes;

import org.jspecify.annotations.NullMarked;
