package com.gptdesk.chat.relay;

/**
 * Receives changes on behalf of all nodes. Of the relays with such a listener, one reads the log;
 * another starts when that one ends. Called by the relay's thread.
 */
public interface LeadingListener extends ChangeListener {
  /**
   * Whether it can publish changes. While it cannot, its relay leaves the lead to others.
   *
   * @return false while no node would receive them
   */
  boolean canLead();

  /**
   * The relay now leads, or the log starts again. Changes of another term do not join without a gap
   * to the next ones. Followed by {@link #resync}.
   *
   * @param term higher than that of every leader before it
   */
  void begins(long term);

  /**
   * Asked several times a second while the relay leads.
   *
   * @return false when some changes may not have been published, so that the term has to end
   */
  boolean goesOn();

  /** The relay no longer leads. */
  void ends();
}
