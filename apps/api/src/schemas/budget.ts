import { budgetSchema } from '@agentcrew/protocol';
import { z } from 'zod';

/** A budget as clients write it; one with an unknown limit is refused, lest a misspelled one is no limit. */
export const newBudgetSchema = z.strictObject(budgetSchema.shape).meta({ id: 'NewBudget' });
