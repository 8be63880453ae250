package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.testing.Await;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Everything a relay has delivered, in its order. Read by any thread. */
final class ReceivedChanges implements ChangeListener {
  private static final Pattern MARKER = Pattern.compile("\"(marker [^\"]*)\"");

  private final List<Change> changes = new ArrayList<>();
  private final List<String> resyncs = new ArrayList<>();
  private final Set<String> markers = ConcurrentHashMap.newKeySet();

  /** A relay that delivers to this; returns when it is up to date. The caller closes it. */
  Relay through(RelaySettings settings) {
    Relay relay = new Relay(settings, this);
    relay.start();
    Await.until("the relay to be up to date", () -> relay.isUpToDate() && !resyncs().isEmpty());
    return relay;
  }

  @Override
  public void changed(Change change) {
    synchronized (this) {
      changes.add(change);
    }
    String record = change.record();
    if (record != null && record.contains("\"marker ")) {
      Matcher marker = MARKER.matcher(record);
      if (marker.find()) {
        markers.add(marker.group(1));
      }
    }
  }

  @Override
  public synchronized void resync(String reason) {
    resyncs.add(reason);
  }

  synchronized List<Change> changes() {
    return List.copyOf(changes);
  }

  synchronized List<String> resyncs() {
    return List.copyOf(resyncs);
  }

  /** Waits for a message whose text is this; it begins with "marker ". */
  void awaits(String marker) {
    Await.until(marker, () -> markers.contains(marker));
  }

  boolean has(String marker) {
    return markers.contains(marker);
  }
}
