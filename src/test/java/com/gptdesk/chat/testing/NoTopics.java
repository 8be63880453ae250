package com.gptdesk.chat.testing;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.channel.Broadcast;
import com.gptdesk.chat.service.realtime.channel.Topics;
import com.gptdesk.chat.service.realtime.channel.Tracked;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A database without any topic, for tests of other things. */
public class NoTopics implements Topics {
  @Override
  public Collection<Audience> audiences(String topic) {
    return List.of();
  }

  @Override
  public PresenceState presence(String topic, UUID viewer) {
    return new PresenceState("1:1:", "{}");
  }

  @Override
  public void send(List<Broadcast> broadcasts, @Nullable UUID sender) {}

  @Override
  public String track(UUID node, Tracked tracked) {
    return tracked.ref();
  }

  @Override
  public void untrack(Collection<String> origins) {}

  @Override
  public void trackAgain(UUID node, Collection<Tracked> tracked) {}

  @Override
  public boolean touch(UUID node) {
    return true;
  }

  @Override
  public void forget(UUID node) {}

  @Override
  public void expireNodes() {}
}
