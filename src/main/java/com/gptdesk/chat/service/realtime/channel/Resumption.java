package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.ResumePoint;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * How far one channel has received one conversation. Its subscriptions with {@code since} receive
 * each higher revision once, replayed or live. Owned by its socket's context.
 *
 * <p>One number is enough, because a conversation's changes are committed and delivered in the
 * order of their revisions.
 */
public final class Resumption {
  private final ResumePoint point;
  private final List<Subscription> subscriptions = new ArrayList<>();
  private long reached;

  Resumption(ResumePoint point) {
    this.point = point;
    this.reached = point.revision();
  }

  /** Where it started. */
  ResumePoint point() {
    return point;
  }

  UUID conversation() {
    return point.conversation();
  }

  /** The subscriptions that resume here. */
  List<Subscription> subscriptions() {
    return subscriptions;
  }

  /** Everything up to this revision was delivered or is not needed. */
  long reached() {
    return reached;
  }

  void reach(long revision) {
    reached = revision;
  }

  /** The channel has another user now, who has received nothing yet. */
  public void startAnew() {
    reached = point.revision();
  }

  /** Whether this was delivered before. A row's deletion has no revision and is never replayed. */
  boolean covers(ChangePayload data) {
    return isRevision(data) && revision(data) <= reached;
  }

  /** Records that this is delivered now, or filtered out. */
  void passed(ChangePayload data) {
    if (isRevision(data)) {
      reached = Math.max(reached, revision(data));
    }
  }

  private boolean isRevision(ChangePayload data) {
    Change change = data.change();
    return change.table().equals(ResumePoint.TABLE)
        && change.operation() != Change.Operation.DELETE
        && data.row().path("conversation_id").asString("").equals(conversation().toString());
  }

  private static long revision(ChangePayload data) {
    JsonNode revision = data.row().path("revision");
    return revision.isIntegralNumber() ? revision.longValue() : Long.MAX_VALUE;
  }
}
