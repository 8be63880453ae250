package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.internal.relay.Routines;
import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.realtime.protocol.Json;
import io.vertx.core.buffer.Buffer;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jooq.JSON;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;

/**
 * Topics in a database, used with the role of the relay, which alone has the rights.
 *
 * @param others names of topics that {@code chat.settings.topic_function} knows; null for none
 */
public record DatabaseTopics(ServiceDatabase database, @Nullable Pattern others) implements Topics {
  private static final int LONGEST_NAME = 255;

  @Override
  public boolean isKnown(String topic) {
    return Topics.super.isKnown(topic)
        || (others != null && topic.length() <= LONGEST_NAME && others.matcher(topic).matches());
  }

  @Override
  public Collection<Audience> audiences(String topic) {
    return database.reading(
        ServiceDatabase.RELAY,
        tx -> {
          var row = Routines.audienceOfTopic(tx.configuration(), topic).getFirst();
          return Audience.of(row.getAudience(), row.getTeamAudience());
        });
  }

  @Override
  public PresenceState presence(String topic, UUID viewer) {
    return database.reading(
        ServiceDatabase.RELAY,
        tx -> {
          var row = Routines.presenceOf(tx.configuration(), topic, viewer).getFirst();
          return new PresenceState(row.getSnapshot(), row.getState());
        });
  }

  @Override
  public void send(List<Broadcast> broadcasts, @Nullable UUID sender) {
    database.<@Nullable Void>as(
        ServiceDatabase.RELAY,
        tx -> {
          for (Broadcast each : broadcasts) {
            Buffer raw = each.raw();
            Routines.send(
                tx.configuration(),
                each.topic(),
                each.event(),
                JSON.jsonOrNull(each.payload()),
                raw == null ? null : raw.getBytes(),
                each.origin(),
                sender);
          }
          return null;
        });
  }

  @Override
  public String track(UUID node, Tracked tracked) {
    return database.as(
        ServiceDatabase.RELAY,
        tx ->
            Routines.track(
                tx.configuration(),
                tracked.origin(),
                node,
                tracked.topic(),
                tracked.key(),
                tracked.ref(),
                tracked.userId(),
                tracked.meta()));
  }

  @Override
  public void untrack(Collection<String> origins) {
    String[] all = origins.toArray(String[]::new);
    database.as(ServiceDatabase.RELAY, tx -> Routines.untrack(tx.configuration(), all));
  }

  @Override
  public void trackAgain(UUID node, Collection<Tracked> tracked) {
    ArrayNode rows = Json.object().putArray("rows");
    for (Tracked each : tracked) {
      rows.addObject()
          .put("origin", each.origin())
          .put("topic", each.topic())
          .put("key", each.key())
          .put("ref", each.ref())
          .put("user_id", each.userId().toString())
          .put("meta", each.meta());
    }
    JSON json = JSON.json(Json.write(rows));
    database.as(ServiceDatabase.RELAY, tx -> Routines.trackAgain(tx.configuration(), node, json));
  }

  @Override
  public boolean touch(UUID node) {
    return database.as(ServiceDatabase.RELAY, tx -> Routines.touchNode(tx.configuration(), node));
  }

  @Override
  public void forget(UUID node) {
    database.as(ServiceDatabase.RELAY, tx -> Routines.forgetNode(tx.configuration(), node));
  }

  @Override
  public void expireNodes() {
    database.as(ServiceDatabase.RELAY, tx -> Routines.expireNodes(tx.configuration()));
  }
}
