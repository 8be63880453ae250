/**
 * From the one node that reads the change log to the nodes whose people may see a change, by way of
 * NATS. One relay publishes each change to a subject for each scope; a gateway on every node
 * subscribes to the scopes of who is connected there.
 *
 * <p>Core NATS delivers at most once, so nothing here trusts it to deliver: every change carries,
 * for each of its scopes, the number of the change that was before it there. Who holds another
 * number has missed something, and everybody concerned is told to catch up before the change is
 * told. What was last on a scope is asked of the leader when somebody joins, and again every few
 * seconds, so that the loss of the last change shows, too. A new leader, or a new connection,
 * begins anew for all.
 */
@NullMarked
package com.gptdesk.chat.service.cluster;

import org.jspecify.annotations.NullMarked;
