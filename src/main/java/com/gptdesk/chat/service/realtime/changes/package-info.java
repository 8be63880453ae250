/**
 * Changes of the database in the form that clients receive: the published tables, the subscriptions
 * and their filters, and the payload that all sockets share. Depends only on the protocol, not on
 * sockets. Values are immutable or state their owner.
 */
@NullMarked
package com.gptdesk.chat.service.realtime.changes;

import org.jspecify.annotations.NullMarked;
