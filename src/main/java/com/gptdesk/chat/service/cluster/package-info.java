/**
 * Delivers changes over NATS, from the one node that reads the change log to the nodes whose users
 * may see them. One relay publishes each change on a subject for each audience. A feed on every
 * node subscribes to the audiences of the users connected there.
 *
 * <p>Core NATS delivers at most once, so nothing here relies on delivery. Every change carries, for
 * each of its audiences, the number of the change before it there. A node that holds another number
 * has missed a change, and everybody concerned has to catch up before the next change is delivered.
 * At a join and again every few seconds, a node asks the leader for the last change of an audience.
 * So the loss of the last change is noticed, too. A new leader or connection makes everybody catch
 * up.
 */
@NullMarked
package com.gptdesk.chat.service.cluster;

import org.jspecify.annotations.NullMarked;
