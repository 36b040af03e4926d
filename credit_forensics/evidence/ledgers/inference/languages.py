"""Words of other languages in names of tables, columns and kinds, as the English ones.

German, French, Spanish, Portuguese, Italian, Dutch, the Scandinavian ones, Polish, Turkish, Chinese
in pinyin, and what is shortened by custom (``amt``). German joins words:
``guthabenbuchung`` is two of them.
"""

from __future__ import annotations

import unicodedata
from functools import cache


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """``english: word word; english english: word`` as a table from each word to the English."""
    found: dict[str, tuple[str, ...]] = {}
    for group in text.split(";"):
        english, _, others = group.partition(":")
        for word in others.split():
            found[word] = tuple(english.split())
    return found


_GERMAN = _table(
    """user: benutzer nutzer anwender; customer: kunde kunden; account: konto konten;
    member: mitglied mitglieder; organisation: organisation firma; wallet: geldbeutel;
    amount: betrag menge anzahl; credit: guthaben; point: punkte punkt; token: jeton;
    change: aenderung anderung; booking: buchung buchungen; movement: bewegung bewegungen;
    posting: umsatz umsaetze; history: verlauf historie; journal: buchungsjournal;
    balance: kontostand saldo stand; type: buchungsart vorgangsart; kind: vorgang;
    reason: grund; description: verwendungszweck beschreibung buchungstext; note: bemerkung
    notiz hinweis; order: bestellung bestellungen auftrag auftraege; payment: zahlung zahlungen;
    invoice: rechnung rechnungen; reference: referenz; name: name; email: mailadresse;
    display: anzeige; first name: vorname; last name: nachname familienname;
    created: erstellt angelegt registriert; booked: gebucht verbucht;
    date: datum; time: zeitpunkt zeit; at: am um; status: zustand; number: nummer nr;
    key: kennung schluessel; purchase: kauf aufladung einkauf; usage: verbrauch nutzung abbuchung
    verwendung; refund: erstattung rueckerstattung ruckerstattung; reversal: storno stornierung;
    expired: verfall verfallen ablauf abgelaufen; gift: geschenk schenkung; welcome: willkommen;
    monthly: monat monats monatlich; bonus: praemie pramie; grant: gutschrift gutschriften;
    debit: soll; deleted: geloescht geloscht; cancelled: storniert; failed: fehlgeschlagen;
    completed: abgeschlossen erledigt; pending: ausstehend offen; price: preis"""
)
_OTHERS = _table(
    """user: utilisateur utilisateurs usuario usuarios utente utenti gebruiker gebruikers yonghu
    huiyuan; customer: client clients cliente clientes clienti klant klanten kehu;
    account: compte comptes cuenta cuentas conta contas conto conti rekening zhanghu;
    member: membre membres miembro miembros membro membros membri;
    amount: montant cantidad importe monto quantidade quantita valor importo bedrag aantal
    quantite shuliang shue; credit: credito creditos crediti tegoed edu;
    point: puntos pontos punti punten jifen; coin: jinbi;
    change: bianhua biandong variation variacion;
    movement: mouvement mouvements movimiento movimientos movimento movimentos movimenti
    mutatie mutaties mingxi liushui; entry: ecriture ecritures asiento asientos lancamento
    lancamentos registro registros boeking boekingen jilu; history: historique historial
    storico geschiedenis; history description: historico;
    balance: solde saldo yue; type: tipo soort leixing;
    direction: sens sentido natureza verso richting; reason: motif motivo reden yuanyin;
    description: libelle concepto descricao descripcion causale omschrijving shuoming;
    note: remarque observacion observacao nota opmerking beizhu;
    order: commande commandes pedido pedidos ordine ordini bestelling bestellingen dingdan;
    payment: paiement paiements pago pagos pagamento pagamentos pagamenti betaling betalingen
    zhifu; invoice: facture factures factura facturas fatura faturas fattura factuur;
    reference: referencia referencias riferimento referentie; number: numero nummer hao bianhao;
    email: courriel correo youxiang; name: nom nombre nome naam nicheng xingming;
    first name: prenom voornaam; last name: apellido apellidos sobrenome cognome achternaam;
    created: creation creado creada criado criada creazione creato aangemaakt chuangjian;
    date: fecha dag riqi; time: hora heure ora tijd shijian; status: statut estado stato
    zhuangtai; external: externo externe esterno; purchase: achat achats compra compras acquisto
    acquisti aankoop aankopen chongzhi goumai; topup: recarga ricarica opwaardering;
    usage: utilisation consommation consumo uso gasto utilizzo verbruik xiaofei shiyong koujian;
    refund: remboursement reembolso devolucion estorno rimborso terugbetaling tuikuan;
    expired: expire expires expiration caducidad vencimiento expiracao scadenza verlopen guoqi;
    gift: cadeau regalo presente omaggio cadeautje zengsong; bonus: bono;
    welcome: bienvenue bienvenida boasvindas benvenuto welkom zhuce;
    monthly: mensuel mensuels mensuelle mensual mensal mensile maandelijks yuedu;
    adjust: ajuste ajustement ajustes rettifica correctie tiaozheng; admin: guanliyuan;
    income: entree entrada ingreso shouru; expense: sortie salida saida uscita zhichu;
    deleted: supprime eliminado excluido eliminato verwijderd shanchu; cancelled: annule anulado
    cancelado annullato geannuleerd quxiao; failed: echoue fallido falhou fallito mislukt shibai;
    completed: termine completado concluido completato voltooid wancheng chenggong;
    pending: pendiente pendente attesa daiding; paid: pagado paye pagato betaald yizhifu;
    price: prix precio preco prezzo prijs jiage"""
)
_MORE = _table(
    """user: anvandare anvandar bruger bruker uzytkownik uzytkownicy uzytkownika kullanici
    kullanicilar polzovatel polzovateli; customer: kund kunder kunde klient klienci klienta musteri;
    account: konton konta hesap; credit: kredit krediter kreditter kredyt kredyty kredytow kredi
    krediler; point: poang punkty puan puanlar; amount: belopp antal belob belop kwota ilosc miktar
    tutar; movement: transaktion transaktioner ruch ruchy ruchow hareket hareketleri hareketler;
    balance: saldon bakiye; type: typ rodzaj tur; reason: orsak aarsag powod sebep neden;
    description: beskrivning beskrivelse opis aciklama; reference: referens referans sygnatura;
    session: sesja sesji oturum; created: skapad oprettet opprettet utworzono utworzony olusturuldu;
    date: datum dato data tarih; email: epost eposta; name: namn navn imie isim; last name:
    nazwisko soyad; purchase: kjop zakup doladowanie satinalma yukleme; usage:
    anvandning forbrug forbruk zuzycie wykorzystanie kullanim harcama; refund: aterbetalning
    tilbagebetaling refusjon zwrot iade; order: bestallning ordre zamowienie siparis; gift: gava
    prezent hediye"""
)
_SHORT = _table(
    """name: nm; code: cd; credit: cred creds; date: dt dttm; amount: amt; balance: bal;
    account: acct; user: usr; customer: cust; description: descr; transaction: trx;
    payment: pmt pymt"""
)
_ALL = {**_MORE, **_SHORT, **_OTHERS, **_GERMAN}
_LINKS = ("", "s", "n", "en", "es")
# What German joins its words with, besides its own.
_JOINED = ("bonus", "support", "admin", "credit", "credits", "token", "tokens", "id", "art", "typ")
_ENGLISH = {"art": ("type",), "typ": ("type",)}


def folded(text: str) -> str:
    """A name without the marks of its letters.

    Examples
    --------
    >>> folded("crédits ajoutés"), folded("Straße")
    ('credits ajoutes', 'Strasse')
    """
    if text.isascii():
        return text
    plain = text.translate({0xDF: "ss", 0xE4: "ae", 0xF6: "oe", 0xFC: "ue", 0xE6: "ae"})
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


@cache
def in_english(word: str) -> tuple[str, ...]:
    """The English words of a word in small letters; the word itself where it is not known.

    Examples
    --------
    >>> in_english("utilisateur"), in_english("monatsguthaben"), in_english("buchungsart")
    (('user',), ('monthly', 'credit'), ('type',))
    >>> in_english("kundennummer"), in_english("kite")
    (('customer', 'number'), ('kite',))
    """
    known = _ALL.get(word)
    if known:
        return known
    for place in range(len(word) - 2, 2, -1) if len(word) >= 7 else ():
        left, right = word[:place], word[place:]
        if right not in _GERMAN and right not in _JOINED:
            continue
        for link in _LINKS:
            stem = left.removesuffix(link) if link else left
            if stem in _GERMAN or (stem in _JOINED and stem not in ("id", "art", "typ")):
                first = _GERMAN.get(stem, (stem,))
                return (*first, *_GERMAN.get(right, _ENGLISH.get(right, (right,))))
    return (word,)
