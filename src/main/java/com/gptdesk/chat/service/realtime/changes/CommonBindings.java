package com.gptdesk.chat.service.realtime.changes;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The bindings that many channels have alike, held once: ten thousand open pages all wish for the
 * same. Those that name a row's values are each client's own. Any thread may ask.
 */
public final class CommonBindings {
  /** Of so many different wishes those made last are held. */
  private static final int MOST = 256;

  /** In characters; what is longer is nobody else's, and must not fill the memory. */
  private static final int LONGEST = 500;

  private record Key(int id, String asSent) {}

  private final Map<Key, Binding> held =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Binding> eldest) {
          return size() > MOST;
        }
      };

  /** The same bindings, those that somebody else has already being his. */
  public List<Binding> of(List<Binding> bindings) {
    return bindings.stream().map(this::of).toList();
  }

  private synchronized Binding of(Binding binding) {
    if (binding.resumes() != null
        || binding.asSent().length() > LONGEST
        || !binding.filters().values().stream().allMatch(Filter::isEmpty)) {
      return binding;
    }
    return held.computeIfAbsent(new Key(binding.id(), binding.asSent()), same -> binding);
  }
}
