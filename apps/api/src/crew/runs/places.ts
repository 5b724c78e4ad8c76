import type { Database, TriggerType } from '@agentcrew/models';

/**
 * What keeps a run of an organisation from beginning now, as in `… are under way already`; `undefined`: nothing. Of all
 * `places` one organisation has at most half, rounded up, while another one has triggers of this type that are switched
 * on: so it finds some whatever the first one does.
 */
export function takenPlaces(db: Database, type: TriggerType, orgId: string, places: number): string | undefined {
  const share = Math.ceil(places / 2);
  if (db.runs.openOfOrganization(type, orgId).length >= share && db.runs.othersHave(type, orgId)) {
    return `${share} runs of ${type}s of this organization, its share of ${places},`;
  }
  return db.runs.countOpen(type) >= places ? `${places} runs of ${type}s` : undefined;
}
